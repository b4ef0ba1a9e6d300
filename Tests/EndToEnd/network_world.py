"""A host and an internet of their own, made of network namespaces: nothing that happens in them reaches the machine or beyond it."""

import ctypes
import ipaddress
import os
import pathlib
import socket
import struct
import subprocess
import sys
import time

_libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
HOST, INTERNET, FAR = "203.0.113.2", "203.0.113.1", "198.51.100.7"

SERVERS = r"""
import http.server, socket, socketserver, struct, sys, threading

def answer(question, tcp):
    '''Every name has the address 198.51.100.7; names that begin with large do not fit into a datagram.'''
    end = 12
    while question[end]:
        end += question[end] + 1
    end += 5
    kind, = struct.unpack("!H", question[end - 4:end - 2])
    head = question[:2] + b"\x81\x80" + b"\0\1"
    if question[13:18] == b"large" and not tcp:
        return head[:2] + b"\x83\x80" + head[4:] + b"\0\0\0\0\0\0" + question[12:end]
    count = (50 if question[13:18] == b"large" else 1) if kind == 1 else 0
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4"
    records = b"".join(record + bytes([198, 51, 100, 7 + n]) for n in range(count))
    return head + struct.pack("!H", count) + b"\0\0\0\0" + question[12:end] + records

class Datagram(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(answer(self.request[0], False), self.client_address)

class Stream(socketserver.StreamRequestHandler):
    def handle(self):
        length, = struct.unpack("!H", self.rfile.read(2))
        reply = answer(self.rfile.read(length), True)
        self.wfile.write(struct.pack("!H", len(reply)) + reply)

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.client_address[0].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments): pass

class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(self.request[0], self.client_address)

socketserver.TCPServer.allow_reuse_address = True
servers = []
for what in sys.argv[1:]:
    kind, address = what.split("=")
    if kind == "names":
        servers += [socketserver.ThreadingUDPServer((address, 53), Datagram), socketserver.ThreadingTCPServer((address, 53), Stream)]
    else:
        servers += [http.server.ThreadingHTTPServer((address, 80), Page), socketserver.ThreadingUDPServer((address, 7), Echo)]
        servers.append(http.server.ThreadingHTTPServer((address, 25), Page))
for server in servers:
    threading.Thread(target=server.serve_forever, daemon=True).start()
print("up", flush=True)
sys.stdin.read()
"""


def _unshare():
    if _libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def name_server():
    """The first one that this machine's resolv.conf names, or nothing."""
    for line in pathlib.Path("/etc/resolv.conf").read_text().splitlines():
        words = line.split()
        if words[:1] == ["nameserver"] and "." in words[1]:
            return words[1]
    return None


class World:
    """While it is entered, this thread, and what it starts, is on the host; `INTERNET` and `FAR` lie beyond one link."""

    def __init__(self):
        self._home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._processes = []
        self.names = name_server()

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _build(self):
        _unshare()
        run = lambda command: subprocess.run(command.split(), check=True)
        holder = subprocess.Popen(["sleep", "infinity"])
        self._processes.append(holder)
        run(f"ip address add {FAR}/32 dev lo")
        internet = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _unshare()
        run(f"ip link add eth0 type veth peer name eth0 netns {holder.pid}")
        run(f"ip address add {HOST}/24 dev eth0")
        run("ip link set eth0 up")
        run(f"ip route add default via {INTERNET}")
        host = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._set(internet)
        run(f"ip address add {INTERNET}/24 dev eth0")
        run("ip link set eth0 up")
        is_local = self.names is None or ipaddress.ip_address(self.names).is_loopback
        if not is_local:
            run(f"ip address add {self.names}/32 dev lo")
        self._serve(f"page={INTERNET}", f"page={FAR}", *([] if is_local else [f"names={self.names}"]))
        self._set(host)
        self._serve("page=0.0.0.0", *([f"names={self.names}"] if is_local and self.names else []))
        os.close(host)
        os.close(internet)

    def _set(self, space):
        if _libc.setns(space, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def _serve(self, *what):
        process = subprocess.Popen([sys.executable, "-c", SERVERS, *what], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._processes.append(process)
        assert process.stdout.readline() == "up\n"

    def __exit__(self, kind, error, trace):
        for process in self._processes:
            process.kill()
            process.wait()
        self._set(self._home)
        os.close(self._home)

    @staticmethod
    def links():
        return {name for _, name in socket.if_nameindex()}

    @staticmethod
    def rules():
        """Of nf_tables: the names of the tables, asked of the kernel itself."""
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as one:
            # NFT_MSG_GETTABLE of all families, as a list.
            one.send(struct.pack("=LHHLL", 20, 0x0a01, 0x301, 1, 0) + bytes(4))
            names, end = [], time.monotonic() + 5
            while time.monotonic() < end:
                data = one.recv(1 << 16)
                while len(data) >= 16:
                    length, kind = struct.unpack("=LH", data[:6])
                    if kind in (2, 3):
                        return names
                    body = data[20:length]
                    while len(body) >= 4:
                        size, attribute = struct.unpack("=HH", body[:4])
                        if attribute == 1:
                            names.append(body[4:size].rstrip(b"\0").decode())
                        body = body[(size + 3) & ~3:]
                    data = data[(length + 3) & ~3:]
        return names
