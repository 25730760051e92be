/* What a marker says: its value for one Python, and its normal text. An item is compared as
 * versions when its variable holds a version and operator and right side spell a specifier (PEP
 * 508), otherwise as text. Three outcomes: true, false, and undefined, where `packaging` raises;
 * one undefined item, wherever it stands, makes the whole marker false, for packaging looks at
 * every item before it decides. */
#include "dray/py/marker_tree.h"
#include "dray/py/requirement.h"
#include "dray/util/buf.h"

enum verdict { VERDICT_FALSE, VERDICT_TRUE, VERDICT_UNDEFINED };

struct scope {
    const struct marker_env *env;
    struct str extra;
    struct arena scratch; /* goes with the evaluation */
};

static enum verdict verdict_of(bool yes)
{
    return yes ? VERDICT_TRUE : VERDICT_FALSE;
}

/* The sets of PEP 751 are not here: they are always empty. */
static struct str scope_value(struct scope *s, enum marker_key key)
{
    struct str value = STR_NONE;

    switch (key) {
#define KEY_VALUE(field, name)                                                                     \
    case MARKER_KEY_##field:                                                                       \
        value = s->env->field;                                                                     \
        break;
        MARKER_VARIABLES(KEY_VALUE)
#undef KEY_VALUE
    case MARKER_KEY_extra: /* PEP 685 */
        value = s->extra.n ? project_name_normalize(&s->scratch, s->extra) : STR("");
        break;
    case MARKER_KEY_extras:
    case MARKER_KEY_dependency_groups:
    case MARKER_KEY_NONE:
        break;
    }
    /* A Python built between two releases calls itself "3.14.0a1+", which is no version (PEP
     * 440). */
    if (key == MARKER_KEY_python_full_version && str_ends(value, STR("+")))
        return arena_f(&s->scratch, "%.*slocal", STR_ARG(value));
    return value;
}

static enum verdict text_verdict(enum marker_op op, bool equal, bool contained)
{
    switch (op) {
    case MARKER_EQ:
    case MARKER_LE: /* text has no order: these two ask for equality, */
    case MARKER_GE:
        return verdict_of(equal);
    case MARKER_LT: /* and these are never true */
    case MARKER_GT:
        return VERDICT_FALSE;
    case MARKER_NE:
        return verdict_of(!equal);
    case MARKER_IN:
        return verdict_of(contained);
    case MARKER_NOT_IN:
        return verdict_of(!contained);
    case MARKER_COMPATIBLE:
    case MARKER_ARBITRARY:
        break;
    }
    return VERDICT_UNDEFINED;
}

static enum verdict range_verdict(const struct marker_range *range, struct str left,
                                  struct arena *scratch)
{
    struct version version = { 0 };
    struct err e = { 0 };

    if (range->arbitrary)
        return verdict_of(str_eq_nocase(left, range->text));
    int code = version_parse(scratch, left, &version, &e);
    err_done(&e);
    /* no version is in no range: platform_release is "6.1.0-18-amd64" on a common system */
    return verdict_of(code == 0 && specifier_set_contains(&range->set, &version));
}

static enum verdict item_verdict(const struct marker_item *item, struct scope *s)
{
    bool from_left = item->left.variable;

    if (item->key == MARKER_KEY_NONE)
        return VERDICT_UNDEFINED;
    if (item->key == MARKER_KEY_extras || item->key == MARKER_KEY_dependency_groups)
        return from_left ? VERDICT_UNDEFINED : text_verdict(item->op, false, false);

    /* With variables on both sides packaging compares the left one's value with the right one's
     * name. */
    struct str value = scope_value(s, item->key);
    struct str left = from_left ? value : item->left.text;
    struct str right = from_left ? item->right.text : value;
    if (marker_key_is_version(item->key)) {
        const struct marker_range *range =
            from_left ? item->range : marker_range_make(&s->scratch, item->op, right);
        if (range)
            return range_verdict(range, left, &s->scratch);
    }
    bool is_search = item->op == MARKER_IN || item->op == MARKER_NOT_IN;
    return text_verdict(item->op, str_eq(left, right), is_search && str_search(right, left) >= 0);
}

static enum verdict marker_verdict(const struct marker *m, struct scope *s)
{
    bool any = false, all = true;

    for (size_t i = 0; i < m->n; i++) {
        const struct marker_term *term = &m->terms[i];
        enum verdict v =
            term->group ? marker_verdict(term->group, s) : item_verdict(&term->item, s);
        if (v == VERDICT_UNDEFINED)
            return v;
        if (term->starts_or) {
            any = any || all;
            all = true;
        }
        all = all && v == VERDICT_TRUE;
    }
    return verdict_of(any || all);
}

bool marker_eval(const struct marker *m, const struct marker_env *env, struct str extra)
{
    struct scope s = { .env = env, .extra = extra };

    if (!m)
        return true;
    enum verdict v = marker_verdict(m, &s);
    arena_done(&s.scratch);
    return v == VERDICT_TRUE;
}

static void operand_write(struct buf *out, const struct marker_operand *operand)
{
    struct str text = operand->text;

    if (operand->variable) {
        buf_add_str(out, text);
        return;
    }
    bool has_double = str_find(text, '"') >= 0;
    char quote = has_double && str_find(text, '\'') < 0 ? '\'' : '"';
    buf_add_c(out, quote);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == quote) /* both kinds inside: packaging can't write it and raises */
            buf_add_z(out, "\\x22");
        else
            buf_add_c(out, text.p[i]);
    buf_add_c(out, quote);
}

static void marker_write(struct buf *out, const struct marker *m)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct marker_term *term = &m->terms[i];
        if (i > 0)
            buf_add_z(out, term->starts_or ? " or " : " and ");
        if (term->group) {
            buf_add_c(out, '(');
            marker_write(out, term->group);
            buf_add_c(out, ')');
        } else {
            operand_write(out, &term->item.left);
            buf_add_f(out, " %s ", marker_op_text(term->item.op));
            operand_write(out, &term->item.right);
        }
    }
}

struct str marker_text(struct arena *a, const struct marker *m)
{
    struct buf out = { 0 };

    if (m)
        marker_write(&out, m);
    struct str text = arena_str(a, m ? buf_str(&out) : STR(""));
    buf_done(&out);
    return text;
}
