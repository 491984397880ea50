"""Receives hookd's webhooks and checks their signatures. Python 3.8 or newer, standard library only.

    WEBHOOK_SECRET=whsec_… python3 receiver.py 8080

WEBHOOK_SECRET is the subscriber's hmac_secret.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = int(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PORT", "8080"))
SECRET = os.environ.get("WEBHOOK_SECRET", "")
TOLERANCE_SECONDS = 300
MAX_BODY_BYTES = 16 * 1024 * 1024

if not SECRET:
    sys.exit("set WEBHOOK_SECRET to the subscriber's hmac_secret")

# The key is the base64 behind "whsec_", or else the secret's own bytes.
KEY = base64.b64decode(SECRET[6:]) if SECRET.startswith("whsec_") else SECRET.encode()

# Ids of webhooks that were handled: hookd sends one again rather than lose it. Real receivers keep them in their
# database, in the transaction that does the work. webhook-id is covered by the signature, Hook-Delivery is not.
handled = set()
handling = threading.Lock()


def is_genuine(headers, body):
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "").split(" ")
    if not re.fullmatch("[0-9]{1,12}", timestamp):
        return False
    if abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    # There are two while a secret is being rotated: one of each.
    return any(hmac.compare_digest(signature.encode(), expected.encode()) for signature in signatures)


def handle(webhook):
    for message in webhook if isinstance(webhook, list) else [webhook]:
        print(message["event"], json.dumps(message["data"], ensure_ascii=False), flush=True)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self):
        size = int(self.headers.get("content-length", "0"))
        if not 0 <= size <= MAX_BODY_BYTES:
            self.close_connection = True
            return self.answer(413)
        # The signature covers the bytes as they came: check them before anything parses them.
        body = self.rfile.read(size)
        if not is_genuine(self.headers, body):
            return self.answer(401)
        with handling:
            if self.headers["webhook-id"] not in handled:
                handle(json.loads(body))
                handled.add(self.headers["webhook-id"])
        return self.answer(200)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", PORT), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_address[1]}/", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
