"""Exit code 0 when the API of this container is ready: the image has no curl."""

import sys
from http.client import HTTPConnection, HTTPException


def ready(port: int) -> bool:
    """Whether `/ready` on loopback answers 200 within 3 s."""
    connection = HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200  # noqa: PLR2004 -- HTTP's own number
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not ready(int(sys.argv[1])))
