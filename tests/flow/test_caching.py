"""Pages of an index that are kept between runs: by RFC 9111, and what --offline makes of them."""

import base64
import email.utils
import shutil
import time

import make_index
import pytest
from fault_server import Answer
from program import failed_with, names_in, succeeded
from test_store import in_index, objects_of, store_of

PAGE = "/simple/demo/"
HOUR = 3600
KINDS = {"json": (make_index.JSON_TYPE, make_index.json_page), "html": (make_index.HTML_TYPE, make_index.html_page)}
SECRET = "pa55-of-alice"


def date(seconds):
    """So many seconds from now, as HTTP writes it."""
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def made(wheel):
    return wheel("demo", "1.0")


@pytest.fixture
def page(fault):
    """An answer with a page that lists these wheels: page(wheel, ..., kind="json", header=value, ...)."""
    def make(*wheels, kind="json", **headers):
        content_type, write = KINDS[kind]
        files = [fault.wheel(path) for path in wheels]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Answer(write("demo", files), headers={"Content-Type": content_type, **named})

    return make


@pytest.fixture
def get(dray, tmp_path, fault):
    """One run into a directory of its own; the requests for the page that it made."""
    runs = []

    def run(*args, index=None, want="demo-1.0-py3-none-any.whl", path=PAGE):
        runs.append(tmp_path / f"run-{len(runs)}")
        before = len(fault.requests(path))
        result = succeeded(dray.download("-i", index or fault.index, "demo", *args, dest=runs[-1]))
        assert names_in(runs[-1]) == [want], result
        return fault.requests(path)[before:]

    return run


def not_modified(**headers):
    return Answer(status=304, headers={name.replace("_", "-"): value for name, value in headers.items()})


def listings(dray):
    return in_index(store_of(dray), "SELECT count(*) FROM record WHERE kind = 0")[0][0]


# Fresh: no request


@pytest.mark.parametrize("headers", [
    {"Cache_Control": "max-age=600"},
    {"Cache_Control": "max-age=600", "ETag": '"one"'},
    {"Cache_Control": "private, max-age=600"},
    {"Cache_Control": "max-age=600, immutable"},
    {"Cache_Control": "max-age=600, must-revalidate", "ETag": '"one"'},
    {"Cache_Control": "max-age=600, s-maxage=0"},
    {"Cache_Control": "max-age=600", "Vary": "Accept, Accept-Encoding"},
    {"Cache_Control": "max-age=600", "Age": "100"},
    {"Expires": date(HOUR), "Date": date(0)},
    {"Expires": date(6 * HOUR), "Date": date(5 * HOUR)},
    {"Cache_Control": "max-age=600", "Expires": "0"},
    {"Cache_Control": "max-age=600", "Date": date(5 * HOUR)},
    {"Cache_Control": "max-age=86400", "Date": date(-5 * HOUR)},
], ids=["max-age", "etag-too", "private", "immutable", "must-revalidate", "s-maxage", "vary", "age", "expires",
        "expires-of-a-clock-ahead", "max-age-before-expires", "clock-ahead", "clock-behind"])
def test_what_is_fresh_is_not_asked_for(get, fault, made, page, kind, headers):
    fault.on(PAGE, page(made, kind=kind, **headers), Answer(status=500))
    assert len(get()) == 1
    assert get() == []


def test_a_page_that_is_fresh_is_told_as_reused(dray, get, dest, fault, made, page, tmp_path):
    fault.on(PAGE, page(made, Cache_Control="max-age=600"))
    get()
    trace = tmp_path / "trace.jsonl"
    succeeded(dray.download("-i", fault.index, "--trace", trace, "demo", dest=dest))
    told, = [line for line in trace.read_text().splitlines() if '"page"' in line]
    assert '"store"' in told


# Stale: validated


@pytest.mark.parametrize("headers", [
    {"Cache_Control": "max-age=0"}, {"Cache_Control": "no-cache"}, {"Cache_Control": "no-cache, max-age=600"},
    {"Cache_Control": "max-age=600", "Age": "700"}, {"Cache_Control": "max-age=nonsense"}, {},
    {"Expires": "0"}, {"Expires": date(-60), "Date": date(0)}, {"Expires": date(HOUR), "Date": date(2 * HOUR)},
    {"Cache_Control": "max-age=600", "Date": date(-5 * HOUR)},
    {"Cache_Control": "max-age=0, immutable"},
], ids=["max-age-0", "no-cache", "no-cache-first", "age", "nonsense", "silent", "expires-0", "expired",
        "expired-by-its-own-clock", "clock-behind", "immutable-but-old"])
def test_what_is_stale_is_validated(get, fault, made, page, kind, headers):
    fault.on(PAGE, page(made, kind=kind, ETag='"one"', Last_Modified=date(-HOUR), **headers), not_modified())
    first, = get()
    assert "if-none-match" not in first.headers and "if-modified-since" not in first.headers
    second, = get()
    assert second.headers["if-none-match"] == '"one"'
    third, = get()
    assert third.headers["if-none-match"] == '"one"', "a 304 that says nothing leaves the validator"


def test_by_its_time_alone(get, fault, made, page, kind):
    written = date(-HOUR)
    fault.on(PAGE, page(made, kind=kind, Last_Modified=written), not_modified())
    get()
    second, = get()
    assert second.headers["if-modified-since"] == written
    assert "if-none-match" not in second.headers


def test_a_weak_validator_will_do(get, fault, made, page):
    fault.on(PAGE, page(made, ETag='W/"one"'), not_modified())
    get()
    assert get()[0].headers["if-none-match"] == 'W/"one"'


def test_a_304_makes_it_fresh_again(get, fault, made, page, kind):
    fault.on(PAGE, page(made, kind=kind, ETag='"one"', Cache_Control="max-age=0"),
             not_modified(Cache_Control="max-age=600"), Answer(status=500))
    get()
    assert len(get()) == 1
    assert get() == []


def test_a_304_may_bring_another_validator(get, fault, made, page):
    fault.on(PAGE, page(made, ETag='W/"one"'), not_modified(ETag='W/"two"'))
    get()
    get()
    assert get()[0].headers["if-none-match"] == 'W/"two"'


def test_a_200_replaces_it(get, fault, made, wheel, page, kind):
    newer = wheel("demo", "2.0")
    fault.on(PAGE, page(made, kind=kind, ETag='"one"'), page(made, newer, kind=kind, ETag='"two"',
                                                             Cache_Control="max-age=600"), Answer(status=500))
    get()
    second, = get(want=newer.name)
    assert second.headers["if-none-match"] == '"one"'
    assert get(want=newer.name) == []


def test_a_200_that_may_not_be_kept_removes_it(dray, get, fault, made, page):
    fault.on(PAGE, page(made, ETag='"one"'), page(made, ETag='"two"', Cache_Control="no-store"))
    get()
    assert listings(dray) == 1
    get()
    assert listings(dray) == 0
    assert "if-none-match" not in get()[0].headers


def test_when_the_server_fails_the_old_page_is_not_used(dray, get, dest, fault, made, page):
    """What is stale may be wrong by now: only --offline takes it."""
    fault.on(PAGE, page(made, ETag='"one"'), Answer(status=500))
    get()
    failed_with(dray.download("-i", fault.index, "demo", dest=dest), "500")
    assert len(get("--offline")) == 0


# Not to be kept


@pytest.mark.parametrize("headers", [
    {"Cache_Control": "no-store", "ETag": '"one"'}, {"Cache_Control": "max-age=600, no-store", "ETag": '"one"'},
    {"Cache_Control": "max-age=600", "Vary": "*", "ETag": '"one"'},
    {"Cache_Control": "max-age=600", "Vary": "Accept, *", "ETag": '"one"'},
], ids=["no-store", "no-store-last", "vary", "vary-among-others"])
def test_what_may_not_be_kept(dray, get, fault, made, page, kind, headers):
    fault.on(PAGE, page(made, kind=kind, **headers))
    get()
    second, = get()
    assert "if-none-match" not in second.headers
    assert listings(dray) == 0


def test_a_page_that_is_not_there_is_not_remembered(dray, get, dest, fault, made, page):
    fault.on(PAGE, Answer(status=404, headers={"Cache-Control": "max-age=600"}), page(made))
    failed_with(dray.download("-i", fault.index, "demo", dest=dest), "demo")
    assert len(get()) == 1


def test_a_page_that_can_not_be_read_is_not_kept(dray, get, dest, fault, made, page):
    broken = Answer(b'{"meta": {"api-version": "1.1"}, "files": [{', headers={
        "Content-Type": make_index.JSON_TYPE, "Cache-Control": "max-age=600"})
    fault.on(PAGE, broken, page(made))
    failed_with(dray.download("-i", fault.index, "demo", dest=dest), PAGE)
    assert len(get()) == 1


def test_a_page_that_was_cut_is_not_kept(dray, get, dest, fault, made, page, kind):
    whole = page(made, kind=kind, Cache_Control="max-age=600")
    cut = Answer(whole.body, headers=whole.headers, cut_after=len(whole.body) - 20)
    fault.on(PAGE, cut, whole)
    failed_with(dray.download("-i", fault.index, "demo", dest=dest), PAGE)
    assert len(get()) == 1


# Clocks, redirects, users


def test_a_clock_that_was_set_back_makes_nothing_fresh(dray, get, fault, made, page):
    """As the record would look then: received in the future."""
    fault.on(PAGE, page(made, ETag='"one"', Cache_Control="max-age=600"), not_modified())
    get()
    in_index(store_of(dray), "UPDATE record SET received = received + 86400, fresh_until = fresh_until + 86400")
    assert get()[0].headers["if-none-match"] == '"one"'


@pytest.mark.parametrize(("status", "asked"), [(301, 0), (308, 0), (302, 1), (307, 1)])
def test_a_redirected_page(dray, get, fault, made, kind, status, asked):
    """Kept under the URL that was asked for; its links start where it was found. Moved for now is asked anew."""
    content_type, write = KINDS[kind]
    facts = make_index.describe(made, f"files/{made.name}")
    body = fault.on(f"/a/b/files/{made.name}", made.read_bytes())
    fault.on("/a/b/demo.page", Answer(write("demo", [facts]), headers={
        "Content-Type": content_type, "ETag": '"one"', "Cache-Control": "max-age=600"}))
    fault.on(PAGE, Answer(status=status, headers={"Location": "/a/b/demo.page", "Cache-Control": "max-age=600"}))
    assert len(get()) == 1
    shutil.rmtree(store_of(dray) / "objects")
    assert len(get()) == asked
    assert len(fault.requests(body.removeprefix(fault.url))) == 2, "found by the same link both times"


def test_users_do_not_share_pages(dray, get, fault, made, page):
    fault.on(PAGE, page(made, Cache_Control="max-age=600"))
    alice, bob = (fault.index.replace("//", f"//{user}@") for user in (f"alice:{SECRET}", "bob:other"))
    first, = get(index=alice)
    assert base64.b64decode(first.headers["authorization"].split()[1]).decode() == f"alice:{SECRET}"
    assert get(index=alice) == []
    assert len(get(index=bob)) == 1
    assert len(get()) == 1, "nor does who says no name"
    assert get(index=bob) == []


def test_no_password_is_kept(dray, get, fault, made, page):
    fault.on(PAGE, page(made, Cache_Control="max-age=600"))
    get(index=fault.index.replace("//", f"//alice:{SECRET}@"))
    kept = [path for path in store_of(dray).rglob("*") if path.is_file()]
    assert [path for path in kept if SECRET.encode() in path.read_bytes()] == []
    assert any(b"alice:****@" in path.read_bytes() for path in kept), "looked where the labels are"


def test_what_can_not_be_validated_serves_who_is_offline(get, fault, made, page, kind):
    """It is asked for each time, and yet there when there is nobody to ask."""
    fault.on(PAGE, page(made, kind=kind))
    get()
    second, = get()
    assert "if-none-match" not in second.headers and "if-modified-since" not in second.headers
    assert get("--offline") == []


# Damage


@pytest.mark.parametrize("garbage", [b"", b"\0", b"garbage" * 100, None], ids=["empty", "zero", "garbage", "cut"])
@pytest.mark.parametrize("fresh", [True, False], ids=["fresh", "stale"])
def test_a_damaged_listing_is_fetched_again(dray, get, fault, made, page, kind, fresh, garbage):
    headers = {"Cache_Control": "max-age=600"} if fresh else {"ETag": '"one"'}
    whole = page(made, kind=kind, **headers)
    fault.on(PAGE, whole, *([] if fresh else [not_modified(), whole]))
    get()
    (content,), = in_index(store_of(dray), "SELECT content FROM content JOIN record USING (id) WHERE kind = 0")
    in_index(store_of(dray), "UPDATE content SET content = ? WHERE id = (SELECT id FROM record WHERE kind = 0)",
             content[:len(content) // 2] if garbage is None else garbage)
    asked = get()
    assert len(asked) == (1 if fresh else 2)
    assert "if-none-match" not in asked[-1].headers
    if fresh:
        assert get() == [], "what came is kept in its place"


# --offline


def test_offline_with_everything_there(dray, get, fault, made, page, kind):
    fault.on(PAGE, page(made, kind=kind, ETag='"one"', Cache_Control="max-age=600"))
    get()
    before = len(fault.requests())
    get("--offline")
    assert len(fault.requests()) == before


def test_offline_takes_what_is_stale(dray, get, fault, made, page, kind):
    fault.on(PAGE, page(made, kind=kind, ETag='"one"', Cache_Control="max-age=0"))
    get()
    before = len(fault.requests())
    get("--offline")
    assert len(fault.requests()) == before


@pytest.mark.parametrize("control", ["no-cache", "max-age=0, must-revalidate"])
def test_offline_says_what_its_server_wants_to_be_asked_for(dray, get, dest, fault, made, page, control):
    """RFC 9111 section 4.2.4: not to be used stale; it is all there is, so it is used, and said."""
    fault.on(PAGE, page(made, ETag='"one"', Cache_Control=control))
    get()
    result = succeeded(dray.download("--offline", "-i", fault.index, "demo", dest=dest))
    assert result.err.count("warning:") == 1 and PAGE in result.err, result


def test_offline_does_not_warn_of_what_is_fresh(dray, get, dest, fault, made, page):
    fault.on(PAGE, page(made, ETag='"one"', Cache_Control="max-age=600, must-revalidate"))
    get()
    assert "warning:" not in succeeded(dray.download("--offline", "-i", fault.index, "demo", dest=dest)).err


def test_offline_without_the_page(dray, dest, fault):
    result = failed_with(dray.download("--offline", "-i", fault.index, "demo", dest=dest),
                         f"{fault.url}{PAGE}", "--offline")
    assert "store" in result.err
    assert fault.requests() == [] and names_in(dest) == []


def test_offline_without_the_body(dray, get, dest, fault, made, page):
    fault.on(PAGE, page(made, Cache_Control="max-age=600"))
    get()
    shutil.rmtree(store_of(dray) / "objects")
    before = len(fault.requests())
    failed_with(dray.download("--offline", "-i", fault.index, "demo", dest=dest), made.name, "--offline")
    assert len(fault.requests()) == before and names_in(dest) == []


def test_offline_tells_all_that_is_missing(dray, get, dest, fault, made, page):
    """And places what is there."""
    fault.on(PAGE, page(made, Cache_Control="max-age=600"))
    get()
    result = dray.download("--offline", "-i", fault.index, "one-more", "demo", "another", dest=dest)
    failed_with(result, "/simple/one-more/", "/simple/another/", errors=2)
    assert names_in(dest) == [made.name]


def test_offline_without_a_store(dray, dest, fault):
    result = dray.download("--offline", "--no-cache-dir", "-i", fault.index, "demo", dest=dest)
    failed_with(result, "--offline needs the store", code=2)


def test_offline_with_a_damaged_listing(dray, get, dest, fault, made, page):
    fault.on(PAGE, page(made, Cache_Control="max-age=600"))
    get()
    in_index(store_of(dray), "UPDATE content SET content = 'x'")
    before = len(fault.requests())
    failed_with(dray.download("--offline", "-i", fault.index, "demo", dest=dest), PAGE)
    assert len(fault.requests()) == before


def test_offline_needs_no_store_for_what_is_local(dray, dest, made):
    succeeded(dray.download("--offline", "--no-index", made, dest=dest))
    assert names_in(dest) == [made.name]
    assert objects_of(store_of(dray)) == {}
