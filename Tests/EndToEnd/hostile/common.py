"""What the attacks share."""

import ctypes
import errno


libc = ctypes.CDLL(None, use_errno=True)


def tell(action, *arguments):
    """What an action gave, or the name of its error."""
    try:
        return action(*arguments)
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    except (MemoryError, RuntimeError) as error:
        return type(error).__name__
