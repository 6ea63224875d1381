"""An ordinary user's harness: makes a fenced lane and prints as JSON what a program in it could do."""

import json
import os
import socket
import sys

from otpgate.engines.model import EngineOptions, LanePlan
from otpgate.engines.process import ProcessEngine
from otpgate.errors import EnvironmentUnusable
from otpgate_contracts.admin import FakesConfig

PROBE = """
import json, os, socket, sys
def reach(address, port):
    try:
        socket.create_connection((address, port), 3).close()
        return True
    except OSError:
        return False
listener = socket.create_server(("0.0.0.0", 443))
print(json.dumps({
    "user": os.getuid(),
    "name": socket.gethostbyname("sms.example.com"),
    "outside": reach("127.0.0.1", int(sys.argv[1])),
    "bare": reach("203.0.113.7", 443),
    "trusted": sys.argv[2] in open("/etc/ssl/certs/ca-certificates.crt").read(),
}))
"""

outside = socket.create_server(("127.0.0.1", 0))
engine = ProcessEngine(EngineOptions())
plan = LanePlan(
    name="probed", command=("true",), image=None, url=None, directory="/", environment={"PATH": os.environ["PATH"]},
    ready=None, ready_within=5, port=None, fakes=FakesConfig(), hosts=("sms.example.com",),
)
try:
    lane = engine.bare_lane(plan)
    read, write = os.pipe()
    lane.process.spawn(
        "probe", [sys.executable, "-c", PROBE, str(outside.getsockname()[1]), engine.trust.authority.certificate],
        {"PATH": os.environ["PATH"]}, "/", (0, write, 2),
    )
    os.close(write)
    said = json.loads(os.fdopen(read).read())
    outside.settimeout(0)
    try:
        outside.accept()
        said["seen outside"] = True
    except BlockingIOError:
        said["seen outside"] = False
    print(json.dumps({"user outside": os.getuid(), **said}))
except EnvironmentUnusable as error:
    print(json.dumps({"refused": error.why}))
finally:
    engine.close()
