/* proxies.h: which URL is asked for through which proxy, as pip has it (requests, and Python's
 * urllib.request below it). Pure: the environment is given. */
#pragma once

#include "dray/net/proxy.h"
#include "dray/net/url.h"

/* What is asked for through what. Zeroed: nothing through a proxy. */
struct proxies {
    struct proxy for_http, for_https; /* host NULL: none */
    char *bypass;                     /* no_proxy, or NULL */
};

/* pip's --proxy: one for all; nothing is exempt. ERR_USAGE. */
int proxies_set(struct proxies *p, struct str url, struct err *e);
/* From variables, "NAME=value", ended by NULL: http_proxy, https_proxy, all_proxy, no_proxy, as
 * Python's urllib.request.getproxies_environment() reads them. ERR_USAGE names the variable. */
int proxies_from_env(struct proxies *p, const char *const *env, struct err *e);
void proxies_done(struct proxies *p);
/* NULL: directly. Borrowed from `p`. */
const struct proxy *proxies_find(const struct proxies *p, const struct url *u);
