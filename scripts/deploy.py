#!/usr/bin/env python3
"""`comitia deploy` as a script: scripts/deploy.py NAME --preset demo --heights 40 --account owner."""

from trainer.cli.deploy import deploy

if __name__ == "__main__":
    deploy()
