/*
 * commands: one file a subcommand; main.c has the table of them.
 */
#ifndef FIELDTRAIL_COMMANDS_H
#define FIELDTRAIL_COMMANDS_H

#include "cli.h"

extern const struct command pivot_command;
extern const struct command run_command;
extern const struct command check_command;
extern const struct command offsets_command;
extern const struct command demo_command;
extern const struct command deadletter_command;
extern const struct command sql_command;
extern const struct command history_command;
extern const struct command asof_command;
extern const struct command diff_command;
extern const struct command undo_command;
extern const struct command reference_command;

#endif
