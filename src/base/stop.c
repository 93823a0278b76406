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

void stop_on_signals(void)
{
    /* Without SA_RESTART: a wait for input is to end. */
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

bool stop_requested(void)
{
    return requested;
}
