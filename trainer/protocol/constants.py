"""Constants of the protocol: the same for every run (docs/protocol.md, Formats)."""

CHUNK = 1024  # parameters in one chunk
GRADIENT_LEAF_BYTES = CHUNK // 8
STATE_LEAF_BYTES = CHUNK * 4
SCALE_BITS = 22  # a parameter t stands for t / 2**SCALE_BITS
STEP_LIMIT = 1 << 17  # peakStep must be below
HEADER_BYTES = 576
SAMPLE_BYTES = 512
SEAL_OVERHEAD = 32 + 16
MAX_BLOB_BYTES = 1 << 20  # one raw IPFS block
MAX_SEATS = 256
MAX_WEIGHT = 255
FIRST_ROUND = 2
KEYCHAIN_LENGTH = 65_536
MAX_STRETCH = 4  # windows grow by 3/2 for each void round in a row, at most this often
MAX_PEER_BYTES = 256
PROTOCOL_VERSION = 1
