"""`python -m otpgate` is `otpgate`."""

from otpgate.cli import main

main()
