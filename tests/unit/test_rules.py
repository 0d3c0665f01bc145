import tomllib
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ess_bus.broker.rules import DEFAULTS, VERBS, Rules
from ess_bus.errors import ConfigurationError

SITE = """
[groups]
operators = ["alice", "bob"]

[[allow]]
users = ["@operators", "ess"]
verbs = ["set", "post"]
prefixes = ["/ess", "/components/bms_1"]

[[allow]]
users = ["*"]
verbs = ["set"]
prefixes = ["/scratch"]

[[deny]]
users = ["bob"]
verbs = ["*"]
prefixes = ["/components/bms_1/contactors"]
why = "contactors are closed by hand"

[[deny]]
users = ["*"]
verbs = ["get", "sub"]
prefixes = ["/secret"]
"""


def rules(text: str) -> Rules:
    return Rules.parse(tomllib.loads(text), Path("/etc/ess/site.toml"))


@pytest.fixture(scope="module")
def site() -> Rules:
    return rules(SITE)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        rules(text)
    return [str(problem) for problem in caught.value.problems]


class TestWhoMay:
    @pytest.mark.parametrize("user", ["alice", "bob", "ess"])
    def test_a_member_of_a_group_or_somebody_named(self, site, user):
        assert site.refusal(user, "set", "/ess/limit") is None
        assert site.refusal(user, "post", "/ess") is None

    def test_nobody_else(self, site):
        assert site.refusal("carl", "set", "/ess/limit") == (
            "carl may not set this: no rule allows it, and the default for set is deny (site.toml)"
        )

    def test_a_group_is_not_a_user(self, site):
        assert site.refusal("@operators", "set", "/ess") is not None
        assert site.refusal("operators", "set", "/ess") is not None

    def test_everyone_is_anybody(self, site):
        assert site.refusal("anonymous", "set", "/scratch/a") is None

    def test_only_the_verbs_of_the_rule(self, site):
        assert site.refusal("alice", "del", "/ess") == (
            "alice may not delete this: no rule allows it, and the default for del is deny (site.toml)"
        )

    def test_a_deny_wins_and_is_named_with_its_reason(self, site):
        assert site.refusal("alice", "set", "/components/bms_1/contactors/main") is None
        assert site.refusal("bob", "set", "/components/bms_1/contactors/main") == (
            "bob may not set below /components/bms_1/contactors: deny rule 1, contactors are closed by hand (site.toml)"
        )

    def test_a_deny_wins_over_a_default_that_allows(self, site):
        assert site.refusal("bob", "pub", "/components/bms_1/contactors") is not None
        assert site.refusal("bob", "pub", "/components/bms_1/soc") is None

    def test_a_deny_wins_wherever_it_stands_and_however_long_the_allowed_prefix_is(self):
        text = """
        [[deny]]
        users = ["*"]
        verbs = ["set"]
        prefixes = ["/a"]
        [[allow]]
        users = ["alice"]
        verbs = ["set"]
        prefixes = ["/a/b/c"]
        """
        assert rules(text).refusal("alice", "set", "/a/b/c/d") == (
            "alice may not set below /a: deny rule 1 (site.toml)"
        )


class TestPrefixes:
    @pytest.mark.parametrize("uri", ["/ess", "/ess/", "//ess", "/ess/a/b", "/ess//a"])
    def test_cover_whole_segments(self, site, uri):
        assert site.refusal("alice", "set", uri) is None

    @pytest.mark.parametrize("uri", ["/essential", "/es", "/", "/x/ess"])
    def test_and_nothing_else(self, site, uri):
        assert site.refusal("alice", "set", uri) is not None

    def test_the_root_is_everything(self):
        text = '[[allow]]\nusers=["ess"]\nverbs=["*"]\nprefixes=["/"]'
        assert all(rules(text).refusal("ess", verb, "/a/b") is None for verb in VERBS)


class TestDefaults:
    def test_without_any_rule_looking_is_allowed_and_acting_is_not(self):
        empty = rules("")
        assert {verb: empty.refusal("alice", verb, "/a") is None for verb in VERBS} == DEFAULTS

    @pytest.mark.parametrize("content", ["", "\n", "# [default]\n"])
    def test_of_a_file_without_rules_are_not_taken_for_what_was_meant(self, tmp_path, content):
        (tmp_path / "rules.toml").write_text(content)
        with pytest.raises(ConfigurationError, match="no rules in this file; expected"):
            Rules.load(tmp_path / "rules.toml")
        (tmp_path / "rules.toml").write_text("[default]")
        assert Rules.load(tmp_path / "rules.toml").defaults == DEFAULTS

    @pytest.mark.parametrize("verb", VERBS)
    @pytest.mark.parametrize("effect", ["allow", "deny"])
    def test_can_be_said(self, verb, effect):
        said = rules(f'[default]\n{verb} = "{effect}"')
        assert (said.refusal("alice", verb, "/a") is None) is (effect == "allow")
        others = {other: allowed for other, allowed in said.defaults.items() if other != verb}
        assert others == {other: allowed for other, allowed in DEFAULTS.items() if other != verb}


class TestSubscriptions:
    def test_above_a_denied_prefix_are_fine(self, site):
        assert site.refusal_below("alice", "sub", "/") is None
        assert site.refusal("alice", "sub", "/secret/x") is not None

    def test_within_a_denied_prefix_are_not(self, site):
        assert site.refusal_below("alice", "sub", "/secret/x") == (
            "alice may not receive below /secret: deny rule 2 (site.toml)"
        )

    def test_within_a_denied_prefix_are_not_even_where_something_below_is_allowed(self):
        text = '[[deny]]\nusers=["*"]\nverbs=["sub"]\nprefixes=["/secret"]\n'
        text += '[[allow]]\nusers=["alice"]\nverbs=["sub"]\nprefixes=["/secret/x/y"]'
        for uri in ("/secret", "/secret/x", "/secret/x/y", "/secret/x/y/z"):
            assert "deny rule 1" in str(rules(text).refusal_below("alice", "sub", uri)), uri

    def test_need_something_allowed_below_where_the_default_is_deny(self):
        text = '[default]\nsub="deny"\n[[allow]]\nusers=["alice"]\nverbs=["sub"]\nprefixes=["/status/bms"]'
        for uri in ("/", "/status", "/status/bms", "/status/bms/soc"):
            assert rules(text).refusal_below("alice", "sub", uri) is None, uri
        assert rules(text).refusal_below("alice", "sub", "/status/pcs") is not None
        assert rules(text).refusal_below("carl", "sub", "/") is not None


class TestWhatIsOpenToAll:
    @pytest.mark.parametrize(
        ("verb", "uri", "expected"),
        [
            ("get", "/ess", True),
            ("get", "/secret", False),  # denied to everyone
            ("get", "/components/bms_1/contactors", False),  # denied to one
            ("set", "/ess", False),  # allowed to some
            ("set", "/scratch/a", True),  # allowed to everyone by a rule
            ("set", "/elsewhere", False),
        ],
    )
    def test_examples(self, site, verb, uri, expected):
        assert site.is_open(verb, uri) is expected


names = st.sampled_from(["alice", "bob", "carl", "*"])
prefixes = st.sampled_from(["/", "/a", "/a/b", "/b"])
some_rules = st.lists(
    st.fixed_dictionaries(
        {
            "users": st.lists(names, min_size=1, max_size=2),
            "verbs": st.lists(st.sampled_from(["set", "get", "*"]), min_size=1, max_size=2),
            "prefixes": st.lists(prefixes, min_size=1, max_size=2),
        }
    ),
    max_size=3,
)


@given(
    st.fixed_dictionaries(
        {
            "default": st.dictionaries(st.sampled_from(["set", "get"]), st.sampled_from(["allow", "deny"])),
            "allow": some_rules,
            "deny": some_rules,
        }
    )
)
def test_the_rules_agree_with_their_definition(document):
    read = Rules.parse(document, Path("r.toml"))
    users, uris = ("alice", "bob", "carl", "dora"), ("/", "/a", "/a/b/c", "/b", "/ab")

    def speaks(rule, user, verb, uri):
        return (
            {user, "*"} & set(rule["users"])
            and {verb, "*"} & set(rule["verbs"])
            and any(f"{uri}/".startswith(f"{prefix.rstrip('/')}/") for prefix in rule["prefixes"])
        )

    for verb in ("set", "get"):
        default = document["default"].get(verb, "allow" if DEFAULTS[verb] else "deny") == "allow"
        for user, uri in product(users, uris):
            denied = any(speaks(rule, user, verb, uri) for rule in document["deny"])
            allowed = any(speaks(rule, user, verb, uri) for rule in document["allow"])
            assert (read.refusal(user, verb, uri) is None) is (not denied and (allowed or default))
        for uri in uris:
            may = [read.refusal(user, verb, uri) is None for user in users]
            assert not read.is_open(verb, uri) or all(may)
        for user, uri in product(users, uris):
            below = [read.refusal(user, verb, inner) is None for inner in (uri, f"{uri}/a", f"{uri}/b", f"{uri}/a/b")]
            assert (read.refusal_below(user, verb, uri) is None) or not any(below)


class TestWrongFiles:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('[defaults]\nset = "deny"', ["defaults: unknown key"]),
            ('[default]\nsett = "deny"', ["default.sett: unknown key"]),
            ('[default]\nset = "no"', ["default.set: input should be 'allow' or 'deny', got \"no\""]),
            ("allow = 1", ["allow: expected a list, got 1"]),
            (
                '[[allow]]\nusers = ["@operator"]\nverbs = ["set"]\nprefixes = ["/a"]\n[groups]\noperators = []',
                ["allow.0.users: there is no group 'operator' in [groups]; did you mean operators?"],
            ),
            (
                '[[deny]]\nusers = ["a"]\nverbs = ["sett"]\nprefixes = ["a"]',
                [
                    "deny.0.verbs: unknown verb 'sett'; expected get, set, pub, post, del, sub or \"*\""
                    "; did you mean set?",
                    "deny.0.prefixes: bad URI 'a': it must start with '/'",
                ],
            ),
            ('[[deny]]\nusers = ["@"]\nverbs = ["set"]\nprefixes = ["/a"]', ["deny.0.users: a user without a name"]),
            ('[[deny]]\nusers = ["a"]', ["deny.0.verbs: missing", "deny.0.prefixes: missing"]),
        ],
    )
    def test_every_problem_is_named(self, text, expected):
        assert problems(text) == expected

    def test_a_rule_for_nobody_is_a_mistake(self):
        found = problems('[[deny]]\nusers = []\nverbs = ["set"]\nprefixes = ["/a"]')
        assert len(found) == 1
        assert found[0].startswith("deny.0.users: list should have at least 1 item")

    def test_a_file_that_is_no_toml_or_is_not_there(self, tmp_path):
        path = tmp_path / "rules.toml"
        with pytest.raises(ConfigurationError, match="no such file"):
            Rules.load(path)
        path.write_text("[default\nset = 1")
        with pytest.raises(ConfigurationError, match=r"rules\.toml: not TOML: .*line 1"):
            Rules.load(path)

    def test_a_good_file_is_read(self, tmp_path):
        path = tmp_path / "rules.toml"
        path.write_text(SITE)
        assert Rules.load(path).source == "rules.toml"


def test_the_example_of_the_documentation_is_right_and_says_the_built_in_defaults():
    text = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
    document = tomllib.loads(text.partition("```toml\n")[2].partition("```")[0])
    read = Rules.parse(document, Path("site.toml"))
    assert read.defaults == DEFAULTS
    assert set(document["default"]) == set(VERBS)
    assert read.refusal("bob", "set", "/ess/limit") is None
    assert str(read.refusal("ess", "set", "/components/bms_1/contactors/main")) in text
