/* notify.h: telling the service manager how it goes (sd_notify(3)), by one datagram each. */
#pragma once

#include "dray/util/err.h"

/* Sends `state` ("READY=1", "STOPPING=1", "WATCHDOG=1", several in lines) to $NOTIFY_SOCKET; does
 * nothing, and succeeds, when there is none. ERR_INPUT: that is no address; ERR_IO: it can't be
 * sent. Never waits. */
int notify_send(const char *state, struct err *e);
/* How often "WATCHDOG=1" is expected at least, in milliseconds, of this process ($WATCHDOG_USEC,
 * $WATCHDOG_PID); 0: it is not. Sending it at half that time is usual. */
unsigned notify_watchdog_ms(void);
