"""An OTP service: sends one-time passcodes by SMS through two gateways, and checks them."""
