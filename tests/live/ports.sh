# shellcheck shell=bash
# free_ports N: numbers of ports that nothing listens on, in a line, and that nobody else on this machine was given in the last 20 minutes:
# several sets are started beside each other, and some servers take a minute until they listen.
# They are from below the range that outgoing connections are given theirs from: one that the kernel gave
# might be given to a connection of somebody's before we listen on it.
free_ports() {
	python3 - "$1" <<-'PY'
		import fcntl, os, random, socket, sys, tempfile, time
		held, now = [], int(time.time())
		with open(os.path.join(tempfile.gettempdir(), f"binnacle-ports.{os.getuid()}"), "a+") as given:
		    fcntl.flock(given, fcntl.LOCK_EX)
		    given.seek(0)
		    recent = {}
		    for line in given:
		        words = line.split()
		        if len(words) == 2 and int(words[1]) > now - 1200:
		            recent[int(words[0])] = int(words[1])
		    while len(held) < int(sys.argv[1]):
		        port = random.randrange(18000, 32700)
		        s = socket.socket()
		        try:
		            if port in recent:
		                raise OSError
		            s.bind(("127.0.0.1", port))
		            held.append(s)
		            recent[port] = now
		        except OSError:
		            s.close()
		    given.truncate(0)
		    given.write("".join(f"{port} {at}\n" for port, at in recent.items()))
		print(*(s.getsockname()[1] for s in held))
	PY
}
