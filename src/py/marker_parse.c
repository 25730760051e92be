/* A marker's text into its tree, by recursive descent: one function a rule of PEP 508's grammar,
 * which `packaging` follows with some freedoms (both sides may be literals or variables, old
 * spellings, escapes). What can be worked out without knowing the Python is worked out here:
 * which variable an item asks for, PEP 685's normal form of extras, the specifier of a version
 * comparison. */
#include <assert.h>
#include <stdlib.h>

#include "dray/py/literal.h"
#include "dray/py/marker_tree.h"
#include "dray/py/requirement.h"
#include "dray/py/version_scan.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

struct reader {
    struct arena *a;
    struct str text;
    size_t at;
    unsigned depth; /* parentheses that are open */
    struct err *e;
};

static const struct str op_texts[] = {
#define OP_TEXT(op, text) { text, sizeof(text) - 1 },
    MARKER_OPS(OP_TEXT)
#undef OP_TEXT
};

static const struct str key_names[] = {
#define KEY_NAME(field, name) { name, sizeof(name) - 1 },
    MARKER_VARIABLES(KEY_NAME) MARKER_CONTEXT_VARIABLES(KEY_NAME)
#undef KEY_NAME
};

/* Spellings from before PEP 508. */
static const struct {
    const char *text;
    enum marker_key key;
} old_spellings[] = {
    { "os.name", MARKER_KEY_os_name },
    { "sys.platform", MARKER_KEY_sys_platform },
    { "platform.version", MARKER_KEY_platform_version },
    { "platform.machine", MARKER_KEY_platform_machine },
    { "platform.python_implementation", MARKER_KEY_platform_python_implementation },
    { "python_implementation", MARKER_KEY_platform_python_implementation },
};

const char *marker_op_text(enum marker_op op)
{
    return op_texts[op].p;
}

bool marker_key_is_version(enum marker_key key)
{
    return key == MARKER_KEY_implementation_version || key == MARKER_KEY_platform_release ||
           key == MARKER_KEY_python_full_version || key == MARKER_KEY_python_version;
}

static enum marker_key marker_key_find(struct str name)
{
    size_t key = 0;

    while (key < MARKER_KEY_NONE && !str_eq(key_names[key], name))
        key++;
    return (enum marker_key)key;
}

/* `===` takes any one word: no white space, ";" or ")" inside, white space around it. */
static bool arbitrary_word(struct str text, struct str *out)
{
    struct str word = version_trim(text);

    for (size_t i = 0; i < word.n; i++) {
        struct str rest = str_sub(word, i, word.n);
        if (version_space(rest) || rest.p[0] == ';' || rest.p[0] == ')')
            return false;
    }
    *out = word;
    return true;
}

const struct marker_range *marker_range_make(struct arena *a, enum marker_op op, struct str right)
{
    struct marker_range range = { 0 };
    struct err e = { 0 };
    bool valid;

    if (op == MARKER_IN || op == MARKER_NOT_IN)
        return NULL;
    /* packaging joins the two before it looks: `python_version > "=3.8"` means >= 3.8 */
    struct str sign = op_texts[op];
    char *p = arena_alloc(a, sign.n + right.n, 1);
    memcpy(p, sign.p, sign.n);
    if (right.n)
        memcpy(p + sign.n, right.p, right.n);
    struct str joined = { p, sign.n + right.n };

    range.arbitrary = str_starts(joined, STR("==="));
    if (range.arbitrary) {
        valid = arbitrary_word(str_sub(joined, 3, joined.n), &range.text);
    } else {
        /* one specifier, not a list of them */
        valid = str_find(joined, ',') < 0 && specifier_set_parse(a, joined, &range.set, &e) == 0;
        err_done(&e);
    }
    return valid ? arena_copy(a, &range, 1, sizeof(range)) : NULL;
}

static int reader_expected(const struct reader *r, const char *what)
{
    return err_set(r->e, ERR_INPUT, "column %zu: expected %s", r->at + 1, what);
}

static void reader_skip_blanks(struct reader *r)
{
    while (r->at < r->text.n && (r->text.p[r->at] == ' ' || r->text.p[r->at] == '\t'))
        r->at++;
}

static bool reader_sees(const struct reader *r, struct str what)
{
    return str_starts(str_sub(r->text, r->at, r->text.n), what);
}

/* Passes over `word` if it stands here whole. Every byte above ASCII counts as a letter: some
 * are not, but nothing in the grammar lets one follow a word. */
static bool reader_word(struct reader *r, struct str word)
{
    size_t end = r->at + word.n;

    if (!reader_sees(r, word))
        return false;
    if (end < r->text.n) {
        char c = r->text.p[end];
        if (str_isalpha(c) || str_isdigit(c) || c == '_' || (unsigned char)c >= 0x80)
            return false;
    }
    r->at = end;
    return true;
}

static bool read_variable(struct reader *r, enum marker_key *out)
{
    for (size_t i = 0; i < sizeof(old_spellings) / sizeof(old_spellings[0]); i++)
        if (reader_word(r, str_of(old_spellings[i].text))) {
            *out = old_spellings[i].key;
            return true;
        }
    for (size_t key = 0; key < MARKER_KEY_NONE; key++)
        if (reader_word(r, key_names[key])) {
            *out = (enum marker_key)key;
            return true;
        }
    return false;
}

/* `key` is what an item asks for that has this operand; of a literal it is the variable that
 * happens to have its value for a name. */
static int read_operand(struct reader *r, struct marker_operand *out, enum marker_key *key)
{
    if (read_variable(r, key)) {
        *out = (struct marker_operand){ .variable = true, .text = key_names[*key] };
        return 0;
    }
    char quote = r->at < r->text.n ? r->text.p[r->at] : '\0';
    if (quote != '"' && quote != '\'')
        return reader_expected(r, "a marker variable or a quoted string");
    ptrdiff_t n = str_find(str_sub(r->text, r->at + 1, r->text.n), quote);
    if (n < 0)
        return err_set(
            r->e, ERR_INPUT,
            "column %zu: expected the closing %c of the string that begins in column %zu",
            r->text.n + 1, quote, r->at + 1);
    struct str quoted = str_sub(r->text, r->at, r->at + (size_t)n + 2);
    struct str value;
    int code = literal_decode(r->a, quoted, r->at + 1, &value, r->e);
    if (code)
        return code;
    r->at += quoted.n;
    *out = (struct marker_operand){ .text = value };
    *key = marker_key_find(value);
    return 0;
}

static int read_op(struct reader *r, enum marker_op *out)
{
    if (reader_word(r, STR("in"))) {
        *out = MARKER_IN;
        return 0;
    }
    if (reader_word(r, STR("not"))) {
        reader_skip_blanks(r); /* there is one: "notin" was no word "not" */
        if (!reader_word(r, STR("in")))
            return reader_expected(r, "a blank and 'in' after 'not'");
        *out = MARKER_NOT_IN;
        return 0;
    }
    for (enum marker_op op = 0; op < MARKER_IN; op++)
        if (reader_sees(r, op_texts[op])) {
            r->at += op_texts[op].n;
            *out = op;
            return 0;
        }
    return reader_expected(r, "one of <= < != == >= > ~= === in 'not in'");
}

/* PEP 685, and PEP 751 for the two sets: the names that they are compared with are normalised. */
static void item_normalize(struct arena *a, struct marker_item *item, enum marker_key left,
                           enum marker_key right)
{
    if (item->left.variable == item->right.variable)
        return;
    if (item->left.variable && left == MARKER_KEY_extra)
        item->right.text = project_name_normalize(a, item->right.text);
    else if (item->right.variable && (right == MARKER_KEY_extra || right == MARKER_KEY_extras ||
                                      right == MARKER_KEY_dependency_groups))
        item->left.text = project_name_normalize(a, item->left.text);
}

static int read_item(struct reader *r, struct marker_item *out)
{
    struct marker_item item = { 0 };
    enum marker_key left, right;

    int code = read_operand(r, &item.left, &left);
    if (code)
        return code;
    reader_skip_blanks(r);
    code = read_op(r, &item.op);
    if (code)
        return code;
    reader_skip_blanks(r);
    code = read_operand(r, &item.right, &right);
    if (code)
        return code;
    item_normalize(r->a, &item, left, right);
    item.key = item.left.variable ? left : right;
    if (item.left.variable && marker_key_is_version(left))
        item.range = marker_range_make(r->a, item.op, item.right.text);
    *out = item;
    return 0;
}

static int read_expression(struct reader *r, const struct marker **out);

static int read_group(struct reader *r, const struct marker **out)
{
    size_t open = r->at;

    if (r->depth == LIMIT_MARKER_DEPTH)
        return err_set(r->e, ERR_LIMIT, "column %zu: more than %d parentheses within each other",
                       open + 1, LIMIT_MARKER_DEPTH);
    r->depth++;
    r->at++;
    int code = read_expression(r, out);
    if (code)
        return code;
    if (!reader_sees(r, STR(")")))
        return err_set(r->e, ERR_INPUT,
                       "column %zu: expected 'and', 'or' or the ')' for the '(' in column %zu",
                       r->at + 1, open + 1);
    r->at++;
    r->depth--;
    return 0;
}

static int read_term(struct reader *r, struct marker_term *out)
{
    const struct marker *group = NULL;
    int code;

    reader_skip_blanks(r);
    if (reader_sees(r, STR("("))) {
        code = read_group(r, &group);
        if (code)
            return code;
        assert(group);
        if (group->n > 1)
            out->group = group;
        else
            out->item = group->terms[0].item;
    } else {
        code = read_item(r, &out->item);
    }
    reader_skip_blanks(r);
    return code;
}

static bool read_boolean(struct reader *r, bool *starts_or)
{
    *starts_or = reader_word(r, STR("or"));
    return *starts_or || reader_word(r, STR("and"));
}

static int read_expression(struct reader *r, const struct marker **out)
{
    struct marker_term *terms = NULL;
    size_t n = 0, cap = 0;
    bool starts_or = false;
    int code;

    do {
        terms = mem_grow(terms, n, &cap, sizeof(*terms));
        terms[n] = (struct marker_term){ .starts_or = starts_or };
        code = read_term(r, &terms[n]);
        n++;
    } while (!code && read_boolean(r, &starts_or));

    if (!code && n == 1 && terms[0].group) {
        *out = terms[0].group; /* redundant parentheses leave no trace */
    } else if (!code) {
        struct marker m = { arena_copy(r->a, terms, n, sizeof(*terms)), n };
        *out = arena_copy(r->a, &m, 1, sizeof(m));
    }
    free(terms);
    return code;
}

int marker_parse_from(struct arena *a, struct str text, size_t from, const struct marker **out,
                      struct err *e)
{
    struct reader r = { .a = a, .text = text, .at = from, .e = e };
    const struct marker *m = NULL;

    if (text.n > LIMIT_REQUIREMENT_BYTES)
        return err_set(e, ERR_LIMIT, "a marker of %zu bytes; more than %d are not read", text.n,
                       LIMIT_REQUIREMENT_BYTES);
    int code = read_expression(&r, &m);
    if (code)
        return code;
    if (r.at < text.n)
        return reader_expected(&r, "'and', 'or' or the end of the marker");
    *out = m;
    return 0;
}

int marker_parse(struct arena *a, struct str text, const struct marker **out, struct err *e)
{
    return marker_parse_from(a, text, 0, out, e);
}
