# shellcheck shell=bash
# free_ports N: numbers of ports that nothing listens on, in a line.
# They are from below the range that outgoing connections are given theirs from: one that the kernel gave
# might be given to a connection of somebody's before we listen on it.
free_ports() {
	python3 - "$1" <<-'PY'
		import random, socket, sys
		held = []
		while len(held) < int(sys.argv[1]):
		    s = socket.socket()
		    try:
		        s.bind(("127.0.0.1", random.randrange(18000, 32700)))
		        held.append(s)
		    except OSError:
		        s.close()
		print(*(s.getsockname()[1] for s in held))
	PY
}
