/* Lists that grow; their strings are the settings'. */
#include "dray/job/settings.h"
#include "dray/util/mem.h"

void settings_add_line(struct settings *s, struct settings_lines *lines, struct str text,
                       struct str origin)
{
    lines->items = mem_grow(lines->items, lines->n, &lines->cap, sizeof(*lines->items));
    lines->items[lines->n++] =
        (struct settings_line){ arena_str(&s->arena, text), arena_str(&s->arena, origin) };
}

void settings_put_content(struct settings *s, struct str name, struct str text)
{
    struct settings_contents *all = &s->contents;
    size_t at = 0;

    while (at < all->n && !str_eq(all->items[at].name, name))
        at++;
    if (at == all->n) {
        all->items = mem_grow(all->items, all->n, &all->cap, sizeof(*all->items));
        all->items[all->n++].name = arena_str(&s->arena, name);
    }
    all->items[at].text = arena_str(&s->arena, text);
}
