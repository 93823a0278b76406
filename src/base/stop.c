/*
 * The stop flag and its signal handler.
 */
#include "stop.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_bool requested;

static void on_signal(int number)
{
    (void)number;
    if (atomic_exchange(&requested, true))
        _exit(130);
}

/* A shell starts background jobs with SIGINT ignored: then it is not for us. */
static void catch_unless_ignored(int number, const struct sigaction *action)
{
    struct sigaction old;
    sigaction(number, NULL, &old);
    if (old.sa_handler != SIG_IGN)
        sigaction(number, action, NULL);
}

void stop_on_signals(void)
{
    /* Without SA_RESTART: a wait for input is to end. */
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    catch_unless_ignored(SIGINT, &action);
    catch_unless_ignored(SIGTERM, &action);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

bool stop_requested(void)
{
    return requested;
}
