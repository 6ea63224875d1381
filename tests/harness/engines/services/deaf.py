"""A service that ignores every proxy and CA variable: a raw socket, and trust from a copy of certifi of its own."""

import base64
import json
import os
import socket
import ssl
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlencode


def send(host: str, account: str, token: str, to: str) -> dict:
    for name in list(os.environ):
        if "PROXY" in name.upper() or "CERT" in name or "BUNDLE" in name:
            del os.environ[name]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "trust", "cacert.pem"))
    body = urlencode({"To": to, "From": "+12025550187", "Body": "Your code is 482913"}).encode()
    head = (
        f"POST /2010-04-01/Accounts/{account}/Messages.json HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
        f"Authorization: Basic {base64.b64encode(f'{account}:{token}'.encode()).decode()}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with context.wrap_socket(socket.create_connection((host, 443), 10), server_hostname=host) as tls:
        tls.sendall(head.encode() + body)
        answer = b""
        while piece := tls.recv(65536):
            answer += piece
    return {"status": int(answer.split()[1]), "peer": socket.gethostbyname(host)}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answer = {} if self.path == "/ready" else send(os.environ["HOST"], os.environ["SID"], os.environ["TOKEN"], self.path[1:])
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
