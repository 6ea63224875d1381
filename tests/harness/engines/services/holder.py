"""A harness that starts a lane, says what it left where, and waits to be ended in whatever way."""

import os
import signal
import sys

from otpgate.engines.model import EngineOptions, LanePlan
from otpgate.engines.process import ProcessEngine
from otpgate_contracts.admin import FakesConfig

unfenced = "--unfenced" in sys.argv
marker = sys.argv[1]
engine = ProcessEngine(EngineOptions(unfenced=unfenced))
plan = LanePlan(
    name="held", command=("sleep", "1"), image=None, url=None, directory="/",
    environment={"PATH": os.environ["PATH"]}, ready=None, ready_within=5, port=None, fakes=FakesConfig(), hosts=(),
)


def leave(*_: object) -> None:
    raise KeyboardInterrupt


signal.signal(signal.SIGTERM, leave)
try:
    for _ in range(2):
        lane = engine.bare_lane(plan)
        # A service that forks, detaches its child, and ignores being asked to end.
        hold = f"echo -n x; exec -a {marker} sleep 1000"
        script = f"trap '' TERM INT HUP; (setsid bash -c '{hold}' &) ; {hold}"
        read, write = os.pipe()
        lane.process.spawn("stubborn", ["bash", "-c", script], {"PATH": os.environ["PATH"]}, "/", (0, write, 2))
        told = b""
        while len(told) < 2:
            told += os.read(read, 2)
    print(engine.nursery.folder, flush=True)
    signal.pause()
except KeyboardInterrupt:
    sys.exit(130)
finally:
    engine.close()
