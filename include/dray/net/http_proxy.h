/* http_proxy.h: what is different for an exchange that goes through a proxy: what libcurl is told,
 * and what it means when that fails. Private to net/http. */
#pragma once

#include "dray/net/http_transfer.h"

/* Tells libcurl which proxy, or that there is none, whatever the environment says. */
void http_proxy_set(struct http_transfer *t);
/* The host to which the connection goes: the proxy's, or the URL's own. */
const char *http_proxy_peer(const struct http_exchange *x);
unsigned http_proxy_peer_port(const struct http_exchange *x);
/* The connection to the proxy, up to where it would begin to ask for the URL's host, is what
 * failed.
 */
bool http_proxy_is_unreachable(const struct http_transfer *t);
/* The proxy had no connection to the address that it was given: another may do. */
bool http_proxy_refused_address(const struct http_transfer *t);
/* Writes the sentence about an attempt through a proxy that failed before the request was sent,
 * sets *again; returns the code, or 0 when it was not the proxy. */
int http_proxy_failure(const struct http_transfer *t, bool *again, struct err *e);
/* The same of the status of an answer that was not wanted, about which `e` says something already:
 * 407 is the proxy's own, and any other may be. */
void http_proxy_judge_status(const struct http_transfer *t, struct err *e);
