"""The payment partner, as far as the service sees it: answers after a while."""

import http.server
import os
import sys
import time


class Desk(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        pause, status = 0.01, 200
        try:
            with open(sys.argv[2], encoding="utf-8") as mood:  # "SECONDS STATUS": how the partner is today
                first, second = mood.read().split()
                pause, status = float(first), int(second)
        except (OSError, ValueError):
            pass
        time.sleep(pause)
        body = b'{"charged": true}\n'
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


Server(("127.0.0.1", int(sys.argv[1])), Desk).serve_forever()
