/* Reads netrc texts for differential_netrc.py. One question a line on stdin, fields between tabs:
 *
 *   find TEXT HOST     yes USER PASSWORD, none, or no when the text does not parse */
#include "oracle.h"

#include "dray/net/netrc.h"

static void answer_find(const struct question *q)
{
    struct netrc_login found;
    struct netrc n = { 0 };

    if (netrc_parse(q->fields[1], &n, q->e)) {
        puts("no");
    } else if (!netrc_find(&n, q->fields[2], &found)) {
        puts("none");
    } else {
        printf("yes\t");
        oracle_print(found.user);
        putchar('\t');
        oracle_print(found.password);
        putchar('\n');
    }
    netrc_done(&n);
}

int main(void)
{
    static const struct oracle_answer answers[] = { { "find", answer_find } };

    return oracle_run(answers, sizeof(answers) / sizeof(answers[0]));
}
