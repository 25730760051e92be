/* Answers questions about proxies, one a line on stdin, fields between tabs (escaped as in case.h),
 * so that differential_proxies.py can ask pip's requests the same.
 *
 *   find URL "NAME=value"...    the proxy's URL, "-" for none, "no" for one that can't be used */
#include "oracle.h"

#include "dray/net/proxies.h"

static void answer_find(const struct question *q)
{
    const char *env[CASE_FIELDS_MAX] = { 0 };
    struct proxies p = { 0 };
    struct url u = { 0 };

    for (size_t i = 2; i < q->n; i++)
        env[i - 2] = q->fields[i].p;
    if (url_parse(q->fields[1], &u, q->e) || proxies_from_env(&p, env, q->e)) {
        puts("no");
    } else {
        const struct proxy *found = proxies_find(&p, &u);
        puts(found ? found->url : "-");
    }
    proxies_done(&p);
    url_done(&u);
}

int main(void)
{
    static const struct oracle_answer answers[] = { { "find", answer_find } };

    return oracle_run(answers, sizeof(answers) / sizeof(*answers));
}
