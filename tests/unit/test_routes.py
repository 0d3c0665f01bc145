import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ess_bus.broker import routes as module
from ess_bus.broker.clients import Client, Origin
from ess_bus.broker.limits import Limits
from ess_bus.broker.outbox import Delivery, Outbox
from ess_bus.broker.routes import Routes
from ess_bus.control import Mode
from ess_bus.uri import is_under


def client(name: str) -> Outbox:
    """Return the outbox of a client, which is what routes lead to."""
    outbox = Outbox(lambda _frame: Delivery.SENT, Limits(), 0.0)
    Client(name.encode(), name, "user", 1, Origin(), 0.0, outbox, {})
    return outbox


@pytest.fixture
def a() -> Outbox:
    return client("a")


@pytest.fixture
def b() -> Outbox:
    return client("b")


@pytest.fixture
def routes() -> Routes:
    return Routes()


def audience(routes: Routes, verb: str, uri: str) -> list[str]:
    return [found.client.name for found in routes.match(verb, uri).audience]


def listeners(routes: Routes, verb: str, uri: str) -> list[str]:
    return [found.client.name for found in routes.match(verb, uri).listeners]


def test_a_prefix_receives_itself_and_what_is_below(routes, a):
    routes.set(a, "/a/b", Mode.ALL)
    assert [audience(routes, "set", uri) for uri in ("/a/b", "/a/b/c/d", "/a//b/", "/a/bc", "/a", "/", "/b/a/b")] == [
        ["a"],
        ["a"],
        ["a"],
        [],
        [],
        [],
        [],
    ]


@pytest.mark.parametrize("root", ["/", "//"])
def test_the_root_receives_everything(routes, a, root):
    routes.set(a, root, Mode.ALL)
    assert all(audience(routes, "get", uri) == ["a"] for uri in ("/", "//", "/a", "/a/b/c"))


def test_overlapping_subscriptions_give_one_copy(routes, a):
    for uri in ("/", "/a", "/a/b", "/a/b/c"):
        routes.set(a, uri, Mode.ALL)
    assert audience(routes, "pub", "/a/b/c/d") == ["a"]


def test_pub_only_receives_pubs_only(routes, a):
    routes.set(a, "/a", Mode.PUB_ONLY)
    assert audience(routes, "pub", "/a/b") == ["a"]
    assert all(audience(routes, verb, "/a/b") == [] for verb in ("get", "set", "post", "del", "reply"))


def test_a_passive_listener_sees_everything_and_is_no_audience(routes, a):
    routes.set(a, "/", Mode.PASSIVE)
    for verb in ("pub", "get", "set", "post", "del", "reply"):
        assert audience(routes, verb, "/a") == []
        assert listeners(routes, verb, "/a") == ["a"]


def test_a_passive_listener_that_is_also_audience_gets_one_copy(routes, a):
    routes.set(a, "/", Mode.PASSIVE)
    routes.set(a, "/a", Mode.ALL)
    assert audience(routes, "set", "/a/b") == ["a"]
    assert listeners(routes, "set", "/a/b") == []
    assert listeners(routes, "set", "/b") == ["a"]


def test_a_pub_only_subscriber_that_is_also_passive_listens_to_the_rest(routes, a):
    routes.set(a, "/", Mode.PASSIVE)
    routes.set(a, "/a", Mode.PUB_ONLY)
    assert (audience(routes, "pub", "/a"), listeners(routes, "pub", "/a")) == (["a"], [])
    assert (audience(routes, "set", "/a"), listeners(routes, "set", "/a")) == ([], ["a"])


def test_the_last_mode_of_a_subscription_counts(routes, a):
    routes.set(a, "/a", Mode.ALL)
    routes.set(a, "/a", Mode.PUB_ONLY)
    assert audience(routes, "set", "/a") == []


def test_removing_one_subscription_leaves_the_others(routes, a, b):
    for found in (a, b):
        routes.set(found, "/a/b", Mode.ALL)
    routes.set(a, "/a", Mode.ALL)
    routes.remove(a, "/a/b")
    assert sorted(audience(routes, "set", "/a/b")) == ["a", "b"]
    routes.remove(a, "/a")
    assert audience(routes, "set", "/a/b") == ["b"]


def test_removing_what_is_not_there_does_nothing(routes, a, b):
    routes.remove(a, "/a/b")
    routes.set(a, "/a/b", Mode.ALL)
    routes.remove(b, "/a/b")
    routes.remove(a, "/a")
    routes.remove(a, "/a/b/c")
    assert audience(routes, "set", "/a/b") == ["a"]


def test_nothing_is_left_of_what_was_removed(routes, a):
    routes.set(a, "/a/b/c", Mode.ALL)
    routes.set(a, "/a", Mode.ALL)
    routes.remove(a, "/a/b/c")
    assert list(routes._root.children) == ["a"]
    assert not routes._root.children["a"].children
    routes.remove(a, "/a")
    assert not routes._root.children


def test_the_cache_is_bounded(routes, a, monkeypatch):
    monkeypatch.setattr(module, "CACHE_SIZE", 10)
    for number in range(100):
        routes.remember(routes.cache("me"), b"pub /%d" % number, routes.match("pub", f"/{number}"))
        assert 1 <= len(routes.cache("me")) <= 10


def test_the_cache_is_dropped_by_every_change(routes, a):
    def fill() -> None:
        for user in ("me", "you"):
            routes.remember(routes.cache(user), b"pub /a", routes.match("pub", "/a"))
            assert routes.cache(user)

    fill()
    routes.set(a, "/a", Mode.ALL)
    assert not routes.cache("me")
    fill()
    routes.remove(a, "/a")
    assert not routes.cache("me")
    assert not routes.cache("you")


uris = st.lists(st.sampled_from(["a", "b", "ab", ""]), max_size=4).map(lambda parts: "/" + "/".join(parts))
verbs = st.sampled_from(["get", "set", "pub", "post", "del", "reply"])
CLIENTS = [client(name) for name in "xyz"]


def modes_of(model: dict[tuple[Outbox, str], Mode], found: Outbox, uri: str) -> set[Mode]:
    """The naive model: every subscription of a client that covers the URI."""
    return {mode for (who, prefix), mode in model.items() if who is found and is_under(uri, prefix)}


class RoutesAgainstNaiveModel(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.routes = Routes()
        self.model: dict[tuple[Outbox, str], Mode] = {}

    @rule(found=st.sampled_from(CLIENTS), uri=uris, mode=st.sampled_from(Mode))
    def subscribe(self, found, uri, mode):
        normal = "/" + "/".join(part for part in uri.split("/") if part)
        self.routes.set(found, uri, mode)
        self.model[found, normal] = mode

    @rule(found=st.sampled_from(CLIENTS), uri=uris)
    def unsubscribe(self, found, uri):
        normal = "/" + "/".join(part for part in uri.split("/") if part)
        self.routes.remove(found, uri)
        self.model.pop((found, normal), None)

    @rule(verb=verbs, uri=uris)
    def route(self, verb, uri):
        found = self.routes.match(verb, uri)
        if verb == "pub":
            cache, head = self.routes.cache("me"), f"{verb} {uri}".encode()
            if head not in cache:
                self.routes.remember(cache, head, found)
            assert set(cache[head]) == {*found.audience, *found.listeners}
        wanted = Mode.ALL if verb != "pub" else None
        expected = {
            c: bool(modes_of(self.model, c, uri) & ({wanted} if wanted else {Mode.ALL, Mode.PUB_ONLY})) for c in CLIENTS
        }
        watching = {c: Mode.PASSIVE in modes_of(self.model, c, uri) and not expected[c] for c in CLIENTS}
        assert sorted(c.client.name for c in found.audience) == sorted(c.client.name for c in CLIENTS if expected[c])
        assert sorted(c.client.name for c in found.listeners) == sorted(c.client.name for c in CLIENTS if watching[c])

    @invariant()
    def nothing_unneeded_is_kept(self):
        if not self.model:
            assert not self.routes._root.children


TestRoutesAgainstNaiveModel = RoutesAgainstNaiveModel.TestCase
TestRoutesAgainstNaiveModel.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


@given(uris, st.lists(st.tuples(st.sampled_from(CLIENTS), uris, st.sampled_from(Mode)), max_size=8), verbs)
def test_nobody_receives_two_copies(uri, subscriptions, verb):
    routes = Routes()
    for found, prefix, mode in subscriptions:
        routes.set(found, prefix, mode)
    receivers = routes.match(verb, uri)
    everyone = [c.client.name for c in (*receivers.audience, *receivers.listeners)]
    assert len(everyone) == len(set(everyone))
