"""What the two scenario programs share: names, schemas, and the messages of well-known actions.

pyarrow has no classes for those messages, but it has the bytes of what is inside them.
"""

import pyarrow as pa

NUMBER_SIGNED = pa.schema([pa.field("number", pa.int32(), nullable=False)])
NUMBER = pa.schema([pa.field("number", pa.uint32(), nullable=False)])
ECHOED = pa.schema([pa.field("x", pa.int32(), nullable=False)])
ALIGNED = pa.schema(
    [
        pa.field("int32", pa.int32(), nullable=False),
        pa.field("int64", pa.int64(), nullable=False),
        pa.field("bool", pa.bool_(), nullable=False),
    ]
)
CANCEL = "CancelFlightInfo"
RENEW = "RenewFlightEndpoint"
REUSE_CONNECTION = "arrow-flight-reuse-connection://?"
# CancelStatus.
CANCELLED = 1
NOT_CANCELLABLE = 3


def wrap(message):
    """A message whose only field, number 1, is a message."""
    size, head = len(message), bytearray([1 << 3 | 2])
    while size >= 0x80:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*head, size]) + message


def unwrap(outer):
    """The message in field 1 of a message that has no other field."""
    size, shift, at = 0, 0, 1
    while True:
        size |= (outer[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if outer[at - 1] < 0x80:
            break
    if outer[0] != 1 << 3 | 2 or len(outer) != at + size:
        raise pa.ArrowInvalid(f"not one message in field 1: {outer!r}")
    return outer[at:]


def wrap_status(status):
    """A CancelFlightInfoResult."""
    return bytes([1 << 3, status]) if status else b""


def unwrap_status(message):
    """The status of a CancelFlightInfoResult; 0 is not sent."""
    if not message:
        return 0
    tag, status = message
    if tag != 1 << 3:
        raise pa.ArrowInvalid(f"not a CancelFlightInfoResult: {message!r}")
    return status
