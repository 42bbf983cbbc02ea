"""Settings of a Kubo daemon of ours. Each was run against the real binary (design, operations, "Kubo configuration"):
it starts without an error line and opens no connection but to its peers.
"""

from __future__ import annotations

from typing import Any

ENVIRONMENT = {
    "IPFS_TELEMETRY": "off",
    "LIBP2P_FORCE_PNET": "1",  # refuse to start without a swarm key rather than join the public swarm
}
SETTINGS: dict[str, Any] = {
    # fsync of every block, at 1 to 6 ms: without it a power cut leaves empty blocks
    "Datastore.Spec": {
        "type": "mount",
        "mounts": [
            {
                "mountpoint": "/blocks",
                "path": "blocks",
                "prefix": "flatfs.datastore",
                "shardFunc": "/repo/flatfs/shard/v1/next-to-last/2",
                "sync": True,
                "type": "flatfs",
            },
            {
                "compression": "none",
                "mountpoint": "/",
                "path": "datastore",
                "prefix": "leveldb.datastore",
                "type": "levelds",
            },
        ],
    },
    "Datastore.StorageMax": "10GB",  # only the collector, which is never started, would act on it
    "Routing.Type": "none",  # peers come from the chain
    "Routing.DelegatedRouters": [],
    "Bootstrap": [],
    "Provide.Enabled": False,
    "Ipns.DelegatedPublishers": [],
    "AutoConf.Enabled": False,
    "DNS.Resolvers": {},
    "AutoTLS.Enabled": False,
    "Discovery.MDNS.Enabled": False,
    "HTTPRetrieval.Enabled": False,
    "Version.SwarmCheckEnabled": False,
    "Plugins.Plugins": {"telemetry": {"Disabled": True}},
    "Internal.ShutdownTimeout": "10s",  # by default 12 hours
    # Broadcasts limited to "local" peers work on every test machine and find nothing in a real run. With the default
    # of 8 workers, eight peers that stop reading stop all serving for 38 s.
    "Internal.Bitswap": {
        "BroadcastControl": {"Enable": False},
        "TaskWorkerCount": 64,
        "EngineTaskWorkerCount": 64,
    },
    "Swarm.ConnMgr.Type": "none",  # else it drops peers above 96
    "Swarm.DisableNatPortMap": True,
    "Swarm.EnableHolePunching": False,
    "Swarm.RelayClient.Enabled": False,
    "Swarm.RelayService.Enabled": False,
    "Swarm.Transports.Network.QUIC": False,  # a private swarm is TCP only
    "Swarm.Transports.Network.Relay": False,
    "Swarm.Transports.Network.Websocket": False,
    "Swarm.Transports.Network.WebTransport": False,
    "Swarm.Transports.Network.WebRTCDirect": False,
    "AutoNAT.ServiceMode": "disabled",
    "Addresses.Gateway": [],
}
