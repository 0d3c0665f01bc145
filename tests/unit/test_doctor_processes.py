"""What the answers of processes mean; whatever answers on the bus, the doctor goes on."""

import pytest

from tools.ess_site.doctor.alive import Answers
from tools.ess_site.doctor.finding import Finding, Verdict, summary, wrong
from tools.ess_site.doctor.processes import look
from tools.ess_site.site_file import Site, SiteProcess

URI = "/components/pcs_1/_stats"


def seen(command: str, answer: object, uri: str = URI) -> Finding:
    process = SiteProcess("p", command, None, "ipc:///b")
    answers = Answers({"p": {"pid": 5}}, {}, {"p": {uri: answer}})
    return list(look(Site("s", "", (process,)), answers))[-1]


def component(**changes: object) -> dict[str, object]:
    one = {"id": "pcs_1", "connected": True, "age_s": 0.1, "period_ms": 100, "points_bad": [], "failing": None}
    return {"connection": {"address": "1.2.3.4:502"}, "component": {**one, **changes}}


@pytest.mark.parametrize(
    ("answer", "verdict", "text"),
    [
        (component(polls=9, polls_failed=1), Verdict.OK, "read 0.1 s ago, 1 of 9 polls failed"),
        (component(connected=False), Verdict.WRONG, "not read: 1.2.3.4:502 does not answer"),
        (component(connected=False, failing="exception 2"), Verdict.WRONG, "not read: exception 2"),
        (component(age_s=2.5), Verdict.WRONG, "its values are 2.5 s old"),
        (component(age_s=2.5, period_ms=1000), Verdict.OK, "read 2.5 s ago, 0 of 0 polls failed"),
        (component(points_bad=["a", "b"]), Verdict.NOTE, "the device has no a, b"),
        (None, Verdict.UNKNOWN, f"no answer from {URI}"),
        ([], Verdict.UNKNOWN, f"no answer from {URI}"),
        ({"component": 5}, Verdict.UNKNOWN, f"{URI} answered something that a modbus_client does not"),
        (component(age_s="old"), Verdict.UNKNOWN, f"{URI} answered something that a modbus_client does not"),
    ],
)
def test_a_component(answer, verdict, text):
    finding = seen("modbus_client", answer)
    assert (finding.verdict, finding.text) == (verdict, text)
    assert bool(finding.advice) is (verdict is not Verdict.OK)


def test_components_of_one_silent_device_are_one_line():
    process = SiteProcess("p", "modbus_client", None, "ipc:///b")
    gone = {f"/c/{name}/_stats": component(id=name, connected=False) for name in "abcdefg"}
    late = {f"/c/{name}/_stats": component(id=name) for name in "xy"}
    found = list(look(Site("s", "", (process,)), Answers({"p": {}}, {}, {"p": gone | late})))
    assert [(one.verdict, one.what) for one in found[1:]] == [
        (Verdict.WRONG, "p: a, b, c, d, e and 2 more"),
        (Verdict.OK, "p: x"),
        (Verdict.OK, "p: y"),
    ]


def test_values_that_are_null_are_named_by_their_uris():
    tables = {"/status/bms": {"soc": None, "power": 0, "name": ""}, "/status/pcs": {"x": {"y": None}}}
    assert seen("ess_controller", tables).text == "2 variables are not valid: /status/bms/soc, /status/pcs/x/y"
    assert seen("ess_controller", {"/a": {"x": False}}).verdict is Verdict.OK
    many = {"/a": dict.fromkeys("abcdefgh")}
    assert seen("ess_controller", many).text == "8 variables are not valid: /a/a, /a/b, /a/c, /a/d, /a/e and 3 more"


def test_results_are_told_with_their_reasons():
    results = {"/a:x": {"value": None, "reason": "y is not valid"}, "/a:z": {"value": 1, "reason": ""}}
    assert seen("calculator", results).text == "1 results are not valid: /a:x (y is not valid)"
    assert seen("calculator", {"/a:x": None}).verdict is Verdict.UNKNOWN


def test_registers_that_are_not_known_are_named():
    status = {"points": 4, "masters": ["m"], "unknown_points": 1, "unknown": ["/a/b"]}
    assert seen("modbus_server", status).text == "4 points, 1 master; not known: 1 (/a/b)"
    # A status names some of many.
    many = {**status, "unknown_points": 400, "unknown": list("abcdefgh")}
    assert seen("modbus_server", many).text.endswith("not known: 400 (a, b, c, d, e and 395 more)")


def test_who_does_not_answer_is_wrong_only_if_others_do():
    processes = (SiteProcess("a", "twins", None, "b"), SiteProcess("c", "twins", None, "b"))
    found = list(look(Site("s", "", processes), Answers({"a": {"pid": 1}}, {"c": "gone"}, {})))
    assert [one.verdict for one in found] == [Verdict.OK, Verdict.WRONG]
    assert [one.verdict for one in look(Site("s", "", processes), Answers())] == [Verdict.NOTE]


def test_who_is_there_and_says_nothing_hangs_and_who_could_not_be_asked_is_not_known():
    processes = (SiteProcess("b", "fims_server", None, "x"), SiteProcess("c", "twins", None, "x"))
    answers = Answers(trouble={"b": "no broker", "c": "no broker"}, silent={"b": 7}, cut_off={"c": "b"})
    broker, other = look(Site("s", "", processes), answers)
    assert (broker.verdict, broker.text) == (Verdict.WRONG, "hangs: pid 7 is there, and does not answer (no broker)")
    assert "kill -KILL 7" in broker.advice
    assert (other.verdict, other.text) == (Verdict.UNKNOWN, "cannot be asked: no broker")


def test_a_finding_is_printable_whatever_a_peer_says():
    first, second = wrong("x", "a\n\x1b[31mb", "do\tit").lines()
    assert (first, second) == ("WRONG    x: a [31mb", "         -> do it")
    assert summary([wrong("x", "", "y"), wrong("x", "", "y")]) == "2 wrong"
