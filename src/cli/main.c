/* SPDX-License-Identifier: Apache-2.0
 * main: chooses the subcommand.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *words, *what; /* what NULL = not shown */
} commands[] = {
	{ "run", cmd_run, "SCRIPT --input PATH [options] [-- script arguments]", "run an entry script over the files of a folder" },
	{ "resume", cmd_resume, "[RUN] [--takeover]", "go on with a run that was interrupted" },
	{ "status", cmd_status, "[RUN] [--json]", "state and counts of a run" },
	{ "check", cmd_check, "[RUN]", "compare the journal with the rows that are stored" },
	{ "dump", cmd_dump, "journal|plan|segment [RUN] [--json]", "print every record of a file" },
	{ "_worker", cmd_worker, "", NULL },
};

static int help(void)
{
	puts("prs " PRS_VERSION ": parallel run steps\n");
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (commands[i].what)
			printf("  prs %s %s\n      %s\n", commands[i].name, commands[i].words, commands[i].what);
	const char *group = "";
	for (unsigned i = 0; prs_option_at(i); i++) {
		const struct prs_option_row *o = prs_option_at(i);
		if (!o->group[0])
			continue;
		if (strcmp(group, o->group) != 0)
			printf("\n%s\n", group = o->group);
		printf("  %s%s%s %s\n      %s%s%s%s\n", o->flag, o->aliases[0] ? " " : "", o->aliases, o->unit, o->help, o->def[0] ? " (default: " : "", o->def,
		       o->def[0] ? ")" : "");
	}
	puts("\nExample: prs run score.py --input ./images --mini-batch-size 10 --processes 2 --output scores.txt");
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "help";
	if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h"))
		return help();
	if (!strcmp(name, "version") || !strcmp(name, "--version")) {
		puts("prs " PRS_VERSION);
		return 0;
	}
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (!strcmp(name, commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "prs: no command %s. See prs help\n", name);
	return 2;
}
