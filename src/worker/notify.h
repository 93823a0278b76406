/*
 * notify: tells the service manager how the worker does, in systemd's own datagrams (sd_notify(3)):
 * that it is ready, that it stops, and that it is alive. Without one (NOTIFY_SOCKET unset) every
 * call does nothing.
 */
#ifndef FIELDTRAIL_NOTIFY_H
#define FIELDTRAIL_NOTIFY_H

#include <fieldtrail/str.h>

struct notify {
    int64_t interval_ms; /* between signs of life; 0: nobody waits for any */
    int64_t last_ms;     /* of the steady clock */
};

/* Reads what the service manager asks for, from WATCHDOG_USEC and WATCHDOG_PID. */
void notify_init(struct notify *notify);

/* The worker takes requests from here on; it stops. */
void notify_ready(void);
void notify_stopping(void);

/* One line for `systemctl status`. */
void notify_status(const char *text);

/* A sign of life, where one is due. */
void notify_alive(struct notify *notify, int64_t now_ms);

#endif
