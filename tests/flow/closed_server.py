"""A fault-scripted server that answers 401 to who does not show credentials that it knows."""

import base64

from fault_server import Answer, FaultServer


def basic(user, password):
    """As it stands in an Authorization header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class ClosedServer(FaultServer):
    """`accepted`: values of Authorization; `challenge`: the WWW-Authenticate of a 401."""

    def __init__(self, *accepted, challenge='Basic realm="closed"'):
        self.accepted = set(accepted)
        self.challenge = challenge
        super().__init__()

    def _next_answer(self, request):
        if request.headers.get("authorization") in self.accepted:
            return super()._next_answer(request)
        with self._lock:
            self.log.append(request)
        return Answer(b"who are you?\n", status=401, headers={"WWW-Authenticate": self.challenge})

    def shown(self, path=None):
        """The Authorization of each request, None where there was none."""
        return [request.headers.get("authorization") for request in self.requests(path)]
