/* route.h: how a run gets to servers, as its settings and the environment have it: through which
 * proxies, and with which certificate authorities. Looks at the file system, asks nobody. */
#pragma once

#include "dray/job/settings.h"
#include "dray/net/proxies.h"

/* Zeroed: directly, with the system's authorities. */
struct route {
    struct proxies proxies;
    /* Of authorities; NULL: the system's. Borrowed from the settings and the environment. */
    const char *ca_file, *ca_directory;
    const char *unread; /* a variable, SSL_CERT_FILE or SSL_CERT_DIR, that names nothing; or NULL */
};

/* `env`: "NAME=value", ended by NULL. pip's order: --proxy before http_proxy and its like; --cert,
 * REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, then OpenSSL's SSL_CERT_FILE and SSL_CERT_DIR. ERR_USAGE for
 * a proxy that can't be one, ERR_IO for a bundle that is not there. `out` needs no init. */
int route_find(const struct settings *s, const char *const *env, struct route *out, struct err *e);
void route_done(struct route *r);
