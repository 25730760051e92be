/* A wheel's name is cut at its dashes: three at the end before the tags, so that a project name
 * holds none (PEP 427). In the name of an older source distribution anything may hold dashes: only
 * with the project's name at hand is it known where the version begins. */
#include "dray/py/filename.h"

#include "dray/util/limits.h"

static bool name_char(char c)
{
    return str_isalpha(c) || str_isdigit(c) || c == '_' || c == '.';
}

/* Does `name` normalise (PEP 503) to `project`? As packaging.utils.canonicalize_name: "-" at the
 * ends stays. */
static bool name_is(struct str name, struct str project)
{
    size_t at = 0;

    for (size_t i = 0; i < name.n; i++) {
        char c = str_lower(name.p[i]);
        if (c == '_' || c == '.')
            c = '-';
        if (c == '-' && at > 0 && i > 0 && project.p[at - 1] == '-')
            continue; /* the run's first one was matched already */
        if (at == project.n || project.p[at++] != c)
            return false;
    }
    return at == project.n;
}

static struct str name_normalise(struct arena *a, struct str name)
{
    char *out = arena_alloc(a, name.n + 1, 1);
    size_t n = 0;

    for (size_t i = 0; i < name.n; i++) {
        char c = str_lower(name.p[i]);
        if (c == '_' || c == '.')
            c = '-';
        if (c != '-' || n == 0 || out[n - 1] != '-')
            out[n++] = c;
    }
    return (struct str){ out, n };
}

static int filename_check_length(struct str filename, struct err *e)
{
    if (filename.n <= LIMIT_FILENAME_BYTES)
        return 0;
    return err_set(e, ERR_LIMIT,
                   "the file name \"%.40s...\" has %zu bytes; at most %d can be stored", filename.p,
                   filename.n, LIMIT_FILENAME_BYTES);
}

/* The parts of a wheel's name, still text. */
struct wheel_parts {
    struct str project, version, build, python, abi, platform;
};

static int wheel_name_split(struct str filename, struct wheel_parts *out, struct err *e)
{
    struct str rest = filename;
    size_t dashes = 0;

    /* packaging takes the ending in this case only, unlike those of source distributions. */
    if (!str_ends(filename, STR(".whl")))
        return err_set(e, ERR_INPUT, "\"%.*s\" is no wheel: expected a name that ends in .whl",
                       STR_ARG(filename));
    rest.n -= 4;
    for (size_t i = 0; i < rest.n; i++)
        dashes += rest.p[i] == '-';
    if (dashes != 4 && dashes != 5)
        return err_set(e, ERR_INPUT,
                       "wheel name \"%.*s\" has %zu dashes: expected "
                       "NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl",
                       STR_ARG(filename), dashes);
    out->project = str_cut(rest, '-', &rest);
    out->version = str_cut(rest, '-', &rest);
    out->build = dashes == 5 ? str_cut(rest, '-', &rest) : STR_NONE;
    out->python = str_cut(rest, '-', &rest);
    out->abi = str_cut(rest, '-', &rest);
    out->platform = rest;
    return 0;
}

static int column(struct str filename, struct str part)
{
    return (int)(part.p - filename.p) + 1;
}

static int wheel_check_project(struct str filename, struct str project, struct err *e)
{
    /* PEP 427 escapes a run of "-_." to one "_": two in a row were never written by a tool. Letters
     * beyond ASCII are refused, where packaging takes them (\w): no project has such a name (core
     * metadata, "Name"). */
    bool good = project.n > 0 && str_search(project, STR("__")) < 0;

    for (size_t i = 0; good && i < project.n; i++)
        good = name_char(project.p[i]);
    if (good)
        return 0;
    return err_set(e, ERR_INPUT,
                   "wheel name \"%.*s\" begins with \"%.*s\": expected a project name of letters, "
                   "digits, \".\" "
                   "and single \"_\"",
                   STR_ARG(filename), STR_ARG(project));
}

/* A compressed set: parts between dots, none empty; Python tags are identifiers. */
static int wheel_check_tags(struct str filename, struct str set, bool identifiers, struct err *e)
{
    struct str rest = set;

    while (rest.p) {
        struct str tag = str_cut(rest, '.', &rest);
        bool good = tag.n > 0 && !(identifiers && str_isdigit(tag.p[0]));
        for (size_t i = 0; good && identifiers && i < tag.n; i++)
            good = name_char(tag.p[i]);
        if (!good)
            return err_set(e, ERR_INPUT, "wheel name \"%.*s\", column %d: \"%.*s\" is no %s",
                           STR_ARG(filename), column(filename, tag), STR_ARG(tag),
                           identifiers ? "Python tag (expected one like py3 or cp312)"
                                       : "tag (it is empty)");
    }
    return 0;
}

static int wheel_parse_build(struct str filename, struct str build, struct wheel_name *out,
                             struct err *e)
{
    size_t digits = 0, zeros = 0;

    while (digits < build.n && str_isdigit(build.p[digits]))
        digits++;
    if (digits == 0)
        return err_set(e, ERR_INPUT,
                       "wheel name \"%.*s\", column %d: build tag \"%.*s\" must begin with a digit",
                       STR_ARG(filename), column(filename, build), STR_ARG(build));
    while (zeros < digits && build.p[zeros] == '0')
        zeros++;
    out->has_build = true;
    out->build_digits = str_sub(build, zeros, digits);
    out->build_rest = str_sub(build, digits, build.n);
    /* packaging's (.*) ends at a line feed and does not mind what stands behind it. */
    ptrdiff_t line = str_find(out->build_rest, '\n');
    if (line >= 0)
        out->build_rest.n = (size_t)line;
    return 0;
}

int wheel_name_parse(struct arena *a, struct str filename, struct wheel_name *out, struct err *e)
{
    struct wheel_parts parts = { 0 };
    struct wheel_name w = { 0 };

    int code = filename_check_length(filename, e);
    if (!code)
        code = wheel_name_split(filename, &parts, e);
    if (!code)
        code = wheel_check_project(filename, parts.project, e);
    if (code)
        return code;
    code = version_parse(a, parts.version, &w.version, e);
    if (code)
        return err_wrap(e, "wheel name \"%.*s\", version \"%.*s\"", STR_ARG(filename),
                        STR_ARG(parts.version));
    if (parts.build.p)
        code = wheel_parse_build(filename, parts.build, &w, e);
    if (!code)
        code = wheel_check_tags(filename, parts.python, true, e);
    if (!code)
        code = wheel_check_tags(filename, parts.abi, false, e);
    if (!code)
        code = wheel_check_tags(filename, parts.platform, false, e);
    if (code)
        return code;
    w.project = name_normalise(a, parts.project);
    w.build_digits = arena_str(a, w.build_digits);
    w.build_rest = arena_str(a, w.build_rest);
    w.python_tags = parts.python;
    w.abi_tags = parts.abi;
    w.platform_tags = parts.platform;
    *out = w;
    return 0;
}

int wheel_build_cmp(const struct wheel_name *x, const struct wheel_name *y)
{
    if (x->has_build != y->has_build)
        return x->has_build ? 1 : -1;
    if (x->build_digits.n != y->build_digits.n)
        return x->build_digits.n > y->build_digits.n ? 1 : -1;
    int order = str_cmp(x->build_digits, y->build_digits);
    return order ? order : str_cmp(x->build_rest, y->build_rest);
}

struct str sdist_ending(struct str filename)
{
    static const char *const endings[] = { ".zip",     ".tar.gz", ".tgz",     ".tar",
                                           ".tar.bz2", ".tbz",    ".tar.xz",  ".txz",
                                           ".tlz",     ".tar.lz", ".tar.lzma" };
    ptrdiff_t dot = str_rfind(filename, '.');
    size_t dots = 0, at = filename.n;

    /* os.path.splitext(): dots at the beginning belong to the name. */
    while (dots < filename.n && filename.p[dots] == '.')
        dots++;
    if (dot > (ptrdiff_t)dots)
        at = (size_t)dot;
    /* pip puts a ".tar" before it to the ending: so "x.tar.zip" ends in ".tar.zip", which is none.
     */
    if (at >= 4 && str_eq_nocase(str_sub(filename, at - 4, at), STR(".tar")))
        at -= 4;
    struct str ending = str_sub(filename, at, filename.n);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
        if (str_eq_nocase(ending, str_of(endings[i])))
            return ending;
    return STR_NONE;
}

/* What stands behind "PROJECT-", without the archive ending; STR_NONE when the name doesn't begin
 * so. */
static struct str sdist_version_part(struct str filename, struct str project)
{
    struct str ending = sdist_ending(filename);
    struct str stem = str_sub(filename, 0, filename.n - ending.n);

    if (!ending.p)
        return STR_NONE;
    for (size_t i = 0; i < stem.n; i++)
        if (stem.p[i] == '-' && name_is(str_sub(stem, 0, i), project))
            return str_sub(stem, i + 1, stem.n);
    return STR_NONE;
}

/* Bytes of a trailing "-pyX", "-pyXY", "-pyX.Y" or "-pyX." (X is 1, 2 or 3, Y one digit); 0 when
 * there is none. So "-py3.12" is none, as pip has it. */
static size_t sdist_python_length(struct str version)
{
    for (size_t n = 4; n <= 6 && n <= version.n; n++) {
        struct str tail = str_sub(version, version.n - n, version.n);
        if (!str_starts(tail, STR("-py")) || tail.p[3] < '1' || tail.p[3] > '3')
            continue;
        bool dot = n > 4 && tail.p[4] == '.';
        if (n == 4 || (n == 5 && (dot || str_isdigit(tail.p[4]))) ||
            (n == 6 && dot && str_isdigit(tail.p[5])))
            return n;
    }
    return 0;
}

struct str sdist_name_python(struct str filename, struct str project)
{
    struct str version = sdist_version_part(filename, project);
    size_t n = sdist_python_length(version);

    return n ? str_sub(version, version.n - n + 3, version.n) : STR_NONE;
}

int sdist_name_parse(struct arena *a, struct str filename, struct str project, struct version *out,
                     struct err *e)
{
    int code = filename_check_length(filename, e);
    if (code)
        return code;
    if (!sdist_ending(filename).p)
        return err_set(
            e, ERR_INPUT,
            "\"%.*s\" is no source distribution: expected an ending like .tar.gz or .zip",
            STR_ARG(filename));
    struct str version = sdist_version_part(filename, project);
    if (!version.p)
        return err_set(e, ERR_INPUT,
                       "\"%.*s\" is no source distribution of %.*s: expected %.*s-VERSION",
                       STR_ARG(filename), STR_ARG(project), STR_ARG(project));
    version.n -= sdist_python_length(version);
    code = version_parse(a, version, out, e);
    return code ? err_wrap(e, "file name \"%.*s\", version \"%.*s\"", STR_ARG(filename),
                           STR_ARG(version))
                : 0;
}

bool filename_is_safe(struct str filename)
{
    if (filename.n == 0 || filename.n > LIMIT_FILENAME_BYTES || filename.p[0] == '.')
        return false;
    for (size_t i = 0; i < filename.n; i++) {
        unsigned char c = (unsigned char)filename.p[i];
        if (c < 0x20 || c == 0x7f || c == '/' || c == '\\')
            return false;
    }
    return true;
}
