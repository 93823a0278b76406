/*
 * commands: one file a subcommand, and this table of them.
 */
#ifndef FIELDTRAIL_COMMANDS_H
#define FIELDTRAIL_COMMANDS_H

#include "cli.h"

/* Runs the subcommand; argv[0] is its name. Gives the exit status. */
typedef enum exit_status command_main(int argc, char **argv);

command_main pivot_main;
command_main run_main;
command_main check_main;
command_main demo_main;
command_main offsets_main;
command_main deadletter_main;
command_main sql_main;
command_main history_main;
command_main asof_main;
command_main diff_main;
command_main undo_main;
command_main reference_main;

#endif
