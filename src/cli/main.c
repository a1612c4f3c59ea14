/* SPDX-License-Identifier: Apache-2.0
 * main: chooses the subcommand, parses its words, shows its help.
 */
#include "cli/cli.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int run_command(const struct cli_command *c, int argc, char **argv)
{
	struct prs_err err = { 0 };
	struct cli_args a;
	int status;
	if (cli_parse(&a, c, argc, argv, &err) < 0) {
		status = complain(PRS_EXIT_RESUMABLE, &err);
		cli_args_done(&a);
		return status;
	}
	if (cli_takes(c, prs_option_at(PRS_OPTION_ID_json)) && cli_json(&a))
		cli_tell_in_json();
	if (a.help) {
		PRS_AUTOBUF b;
		prs_buf_init(&b, 1 << 20);
		cli_help_command(&b, c, cli_help_columns());
		status = cli_print(&b);
	} else if (a.mistakes_n && c->run != cmd_run && c->run != cmd_validate && c->run != cmd_plan &&
	           c->run != cmd_test) { /* told together with those of the job */
		status = complain_all(a.mistakes_n, &a.mistakes);
	} else {
		status = c->run(&a);
	}
	cli_args_done(&a);
	return status;
}

static int unknown(const char *name)
{
	const char *near = cli_command_nearest(name);
	if (near)
		cli_tell(stderr, "prs: no command %s; did you mean prs %s?\n", name, near);
	else
		cli_tell(stderr, "prs: no command %s: prs help shows all\n", name);
	return PRS_EXIT_MISTAKE;
}

/* Spellings that are not commands. */
static const char *const other_names[][2] = {
	{ "--help", "help" }, { "-h", "help" }, { "--version", "version" }, { "-V", "version" }
};

/* Started with closed descriptors (prs run >&-), no file of the run may become 0, 1 or 2: what is printed would go
 * into it. */
static void open_standard(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

/* Whoever started us may have left us signals that no program expects: SIGCHLD ignored (the kernel then forgets how
 * a process ended), others blocked. What was ignored on purpose stays so: HUP by nohup, INT by a job in the
 * background. */
static void set_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a write beyond ulimit -f is an error like others */
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int main(int argc, char **argv)
{
	open_standard();
	char help[] = "help", *alone[] = { argv[0], help, NULL };
	if (argc < 2) {
		argc = 2;
		argv = alone;
	}
	const char *name = argv[1];
	if (!strcmp(name, "_worker"))
		return cmd_worker(argc - 1, argv + 1);
	set_signals();
	for (size_t i = 0; i < sizeof other_names / sizeof *other_names; i++)
		if (!strcmp(name, other_names[i][0]))
			name = other_names[i][1];
	const struct cli_command *c = cli_command_find(name);
	return c ? run_command(c, argc - 1, argv + 1) : unknown(name);
}
