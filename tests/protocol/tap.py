"""What the Python tests of this folder say of each check: TAP, with the details of those that fail."""
number = 0


def ok(good, name, *details):
    global number
    number += 1
    print(("ok" if good else "not ok"), number, "-", name)
    for detail in details if not good else ():
        for line in str(detail).splitlines()[:12]:
            print("#  ", line[:300])


def done():
    print(f"1..{number}")
