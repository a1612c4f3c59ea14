/* SPDX-License-Identifier: Apache-2.0
 * commands: the table of subcommands: the one home of their names, arguments, flags, examples and exit statuses.
 */
#include "cli/load.h"
#include "cli/registry.h"

#include <string.h>

static const char running_exits[] =
#define PRS_EXIT(status, name, meaning, next) #status "  " meaning "\n"
#include "base/exits.def"
#undef PRS_EXIT
	;
#define LOOKING_EXITS                      \
	"0  done\n"                        \
	"2  wrong usage, or no such run\n" \
	"3  files of the run are damaged, or of a newer version\n"

#define DETACH_FLAG                                                                                                \
	{                                                                                                          \
		"--detach", "-d", NULL, "come back as soon as the job runs: closing the terminal does not stop it" \
	}

static const struct cli_flag job_flags[] = { LOAD_FLAGS, { 0 } };
#define REUSE_FLAGS                                                                             \
	{ "--no-reuse", NULL, NULL,                                                             \
	  "of a pipeline: no step is taken from an earlier run, all are run (force_rerun)" },   \
		{ "--only", NULL, "STEP",                                                       \
		  "of a pipeline: run this step; those that it needs come from earlier runs" }, \
	{                                                                                       \
		"--from", NULL, "STEP", "of a pipeline: run this step and all that need it"     \
	}

static const struct cli_flag run_flags[] = { LOAD_FLAGS, REUSE_FLAGS, DETACH_FLAG, { 0 } };
static const struct cli_flag plan_flags[] = {
	LOAD_FLAGS,
	{ "--yaml", NULL, NULL, "the whole job as a v2 YAML file that runs the same; of a pipeline its description" },
	{ 0 },
};
static const struct cli_flag resume_flags[] = {
	{ "--takeover", NULL, NULL,
	  "go past an engine that still holds the run (it hangs, or its machine is gone); it stops when it wakes up" },
	{ "--retry-failed", NULL, NULL,
	  "the mini-batches that failed get all their tries again, of a pipeline the steps that failed, were "
	  "skipped or canceled; also goes on with a job that failed" },
	{ "--new-code", NULL, NULL,
	  "run the script's folder as it is now, for what is not done yet: it was mended, say (default: the copy that "
	  "the run has)" },
	{ "--set", NULL, "KEY=VALUE",
	  "change a setting from here on: timeouts, tries, thresholds, processes; the same as --KEY VALUE" },
	TRUST_FLAG,
	DETACH_FLAG,
	{ 0 },
};
static const struct cli_flag test_flags[] = {
	{ "--limit", NULL, "N", "so many mini-batches (default 3)" },
	{ "--pdb", NULL, NULL, "stop in the debugger where an exception was raised" },
	LOAD_FLAGS,
	{ 0 },
};
static const struct cli_flag replay_flags[] = {
	{ "--item", NULL, "N", "only the N-th item of the mini-batch, counted from 0" },
	{ "--pdb", NULL, NULL, "stop in the debugger where an exception was raised" },
	{ "--code", NULL, "DIR",
	  "the script as it lies in this folder, such as ., and works there (default: a copy of the copy in the run)" },
	TRUST_FLAG,
	{ 0 },
};
static const struct cli_flag python_flags[] = {
	{ "--compile", NULL, "FILE",
	  "write what FILE submits instead of running it: .yml is a pipeline for prs run, .json one for --job-json" },
	{ "--detach", "-d", NULL, "do not wait for what FILE did not wait for" },
	{ "--azureml", NULL, "installed|prs", "installed: azureml.* as this Python has it (default prs)" },
	{ 0 },
};
static const struct cli_flag doctor_flags[] = {
	{ "--dir", NULL, "DIR", "the folder to test (default: where run folders are made)" },
	{ 0 },
};
static const struct cli_flag status_flags[] = {
	{ "--watch", "-w", NULL,
	  "follow a running job until it ends, with what each process is at; with --json a line five times a second" },
	{ 0 },
};
static const struct cli_flag logs_flags[] = {
	{ "--follow", "-f", NULL, "go on until the run ends" },
	{ "--process", NULL, "N", "what process N printed (stdout, stderr)" },
	{ "--errors", NULL, NULL, "errors of the script by kind; with --process or -f the tracebacks one by one" },
	{ "--metrics", NULL, NULL, "what scripts logged with Run.log(), by name; of a pipeline, of all its steps" },
	{ 0 },
};
static const struct cli_flag output_flags[] = {
	{ "--partial", NULL, NULL,
	  "write the rows of the mini-batches that are done, in input order (default: to outputs/partial.txt in the "
	  "run folder)" },
	{ "--format", NULL, "csv|tsv|jsonl|parquet",
	  "write the rows as such a file; of a run with output_format parquet, whose types need not go together then" },
	{ 0 },
};
static const struct cli_flag clean_flags[] = {
	{ "--older", NULL, "AGE", "7d, 12h, 30m ... (default 7d)" },
	{ "--outputs", NULL, NULL,
	  "also runs that hold outputs: something in their outputs/, or a file that is not the run's own" },
	{ "--interrupted", NULL, NULL, "also runs that could be resumed" },
	{ "--dry-run", "-n", NULL, "only say what would go" },
	{ 0 },
};
static const struct cli_flag options_flags[] = {
	{ "--markdown", NULL, NULL, "all of them as docs/options.md" },
	{ 0 },
};
static const struct cli_flag errors_flags[] = {
	{ "--markdown", NULL, NULL, "all of them as docs/errors.md" },
	{ 0 },
};

/* Of all kinds of the registry: what is wrong with a verb is said by it. */
#define ASSET_FLAGS                                                                                                  \
	{ "--description", NULL, "TEXT", "register, update: what it is" },                                           \
		{ "--tag", NULL, "KEY=VALUE", "register, update: a tag; list: only what has it (KEY, KEY=VALUE)" },  \
		{ "--untag", NULL, "KEY", "update: takes a tag away" },                                              \
		{ "--property", NULL, "KEY=VALUE", "register, update: a property" },                                 \
		{ "--label", NULL, "LABEL", "register, update: this version has the label, no other one any more" }, \
		{ "--unlabel", NULL, "LABEL", "update: takes a label away" },                                        \
		{ "--version", NULL, "VERSION", "register: a version of your own (default: they count from 1)" },    \
		{ "--new-version", NULL, NULL, "register: a new version, whatever is there" },                       \
		{ "--type", NULL, "TYPE", "register: uri_file, mlflow_model ... (default: as the path is)" },        \
		{ "--from-json", NULL, "FILE|-",                                                                     \
		  "register, update: an object with what the flags say, for programs" },                             \
		{ "--all", NULL, NULL, "list: archived ones too" }, WORKSPACE_FLAG

static const struct cli_flag dataset_flags[] = {
	{ "--path", NULL, "PATH",
	  "register: file, folder, pattern or azureml://datastores/...; may be given several times" },
	ASSET_FLAGS,
	{ 0 },
};
static const struct cli_flag model_flags[] = {
	{ "--path", NULL, "PATH", "register: the file or folder, which is copied into the workspace" },
	ASSET_FLAGS,
	{ 0 },
};
static const struct cli_flag environment_flags[] = {
	{ "--python", NULL, "PATH", "register: its interpreter" },
	{ "--file", NULL, "FILE", "register: an environment or conda file with its packages" },
	ASSET_FLAGS,
	{ 0 },
};
static const struct cli_flag component_flags[] = {
	{ "--file", NULL, "FILE", "register: its YAML file, which is named and not copied" },
	ASSET_FLAGS,
	{ 0 },
};
static const struct cli_flag workspace_flags[] = { WORKSPACE_FLAG, { 0 } };
static const struct cli_flag datastore_flags[] = {
	{ "--folder", NULL, "DIR", "register: where it is on this machine" },
	{ "--type", NULL, "TYPE", "register: local, azure_blob, azure_file, azure_data_lake_gen2 ..." },
	{ "--account", NULL, "NAME", "register: of the storage in the cloud, to be remembered" },
	{ "--container", NULL, "NAME", "register: the same of its container or share" },
	{ "--key-stdin", NULL, NULL, "register: its key comes from stdin, into a file that only you may read" },
	{ "--from-json", NULL, "FILE|-", "register: an object with type, folder, account, container and more" },
	WORKSPACE_FLAG,
	{ 0 },
};
#define ASSET_VERBS "list|show|register|update|archive|restore"
#define ASSET_ARGUMENTS "list|show|register|update|archive|restore [NAME[:VERSION|@LABEL]] [flags]"
#define REGISTRY_EXITS                                            \
	"0  done\n"                                               \
	"2  wrong usage, no such name, or a name that is taken\n" \
	"3  a file of the workspace is damaged, or cannot be written\n"

#define JOB_WORD                                                                                \
	"JOB.yml is a pipeline, a parallel job or component, a parallel_run_config or a batch " \
	"deployment (docs/job-files.md, docs/pipelines.md). Options "                           \
	"on the command line win over its keys.\n"
#define RUN_WORD                                                                                                  \
	"RUN is an id, the beginning of one, the path of a run folder, or last (also when it is left out); of a " \
	"pipeline RUN/STEP is one of its steps."

#define FIRST \
	"input output overwrite mini-batch-size processes python run-invocation-timeout run-max-try on-failure quiet"

static const struct cli_command commands[] = {
	{ .name = "init",
	  .words = "DIR",
	  .run = cmd_init,
	  .group = "Run",
	  .arguments = "DIR",
	  .what = "make a small job to begin with",
	  .words_min = 1,
	  .words_max = 1,
	  .more = "An entry script, three files, a job file: it runs as it is. Nothing that is in DIR is overwritten.",
	  .examples = "prs init my-job\n",
	  .exits = "0  done\n2  wrong usage, or something is there already\n" },
	{ .name = "run",
	  .words = "FILE",
	  .first = FIRST,
	  .run = cmd_run,
	  .group = "Run",
	  .arguments = "JOB.yml|SCRIPT [--input PATH] [options] [-- ARGUMENTS]",
	  .what = "run a job file, or a script over files, in several processes",
	  .more = JOB_WORD
	  "SCRIPT is a Python file with run(mini_batch), and init() and shutdown() if it likes. The input is cut into "
	  "mini-batches; the rows that run() "
	  "returns go to one output file in input order. What stands behind -- goes to the script's sys.argv.\n"
	  "The run folder (runs/<name>-<time>-<letters>) holds a copy of the script's folder, the logs and all "
	  "results. A job that was stopped, by Ctrl-C or a crash, is not lost: prs resume "
	  "takes it up again.\n"
	  "On a terminal, p or the space bar shows what each process is at, for how long, and the last error; no key "
	  "disturbs the job. Ctrl-C stops it, resumable.",
	  .options = "*",
	  .flags = run_flags,
	  .words_min = 1,
	  .words_max = 1,
	  .rest = true,
	  .examples = "prs run score.py --input ./images --output scores.txt\n"
	              "prs run job.yml --input images=./images --set mini_batch_size=5\n"
	              "prs run score.py -i ./images -p 4 --model digits=./model -- --threshold 0.5\n"
	              "prs run score.py -i ./sales --input-format tabular -b 10mb -o scores.csv\n"
	              "prs run count.py -i mo=./monday -i tu=./tuesday --json >events.jsonl\n",
	  .exits = running_exits },
	{ .name = "validate",
	  .words = "FILE",
	  .first = FIRST,
	  .run = cmd_validate,
	  .group = "Run",
	  .arguments = "JOB.yml|SCRIPT [options] [-- ARGUMENTS]",
	  .what = "say what is wrong with a job",
	  .more = JOB_WORD "Mistakes come with file, line and column.",
	  .options = "*",
	  .flags = job_flags,
	  .words_min = 1,
	  .words_max = 1,
	  .rest = true,
	  .examples = "prs validate pipeline.yml\nprs validate component.yml --input data=./images\n",
	  .exits = "0  no mistakes\n2  wrong usage, or mistakes in the job\n" },
	{ .name = "plan",
	  .words = "FILE",
	  .first = FIRST,
	  .run = cmd_plan,
	  .group = "Run",
	  .arguments = "JOB.yml|SCRIPT [options] [-- ARGUMENTS]",
	  .what = "show what a job would do",
	  .more = JOB_WORD "The input is listed; nothing runs and nothing is written.",
	  .options = "*",
	  .flags = plan_flags,
	  .words_min = 1,
	  .words_max = 1,
	  .rest = true,
	  .examples = "prs plan pipeline.yml\nprs plan score.py --input ./images --yaml >job.yml\n"
	              "prs plan score.py --input ./sales --input-format tabular\n",
	  .exits = "0  done\n2  wrong usage, or mistakes in the job\n" },
	{ .name = "python",
	  .words = "FILE -",
	  .run = cmd_python,
	  .group = "Run",
	  .arguments = "[--compile FILE] [--detach] [--azureml installed] [--python PATH] FILE.py [ARGUMENTS]",
	  .what = "run Python code that describes pipelines with the v1 SDK (azureml.core ...)",
	  .more = "FILE runs as it is: azureml.core, azureml.pipeline and their kin are here, without a cloud "
	          "(docs/python.md). Pipelines that it submits run on this machine, with the Python that runs FILE. At "
	          "the end it is waited for what FILE did not wait for. All that stands behind FILE is for FILE.",
	  .options = "python",
	  .flags = python_flags,
	  .words_min = 1,
	  .words_max = 1,
	  .rest = true,
	  .program = true,
	  .examples = "prs python batch_score.py\nprs python batch_score.py --images ./images\n"
	              "prs python --compile score.yml batch_score.py && prs run score.yml\n",
	  .exits = "0  FILE and all that it submitted ended well\n1  FILE or a pipeline failed\n2  wrong usage\n4  "
	           "interrupted: prs resume goes on\n" },
	{ .name = "resume",
	  .words = "RUN",
	  .run = cmd_resume,
	  .group = "Run",
	  .arguments = "[RUN] [options]",
	  .what = "go on with a run that was interrupted",
	  .more = RUN_WORD " What is done stays done; the copy of the script in the run folder is used, unless "
	                   "--new-code is given. Input and mini-batch size belong to the run and cannot change; "
	                   "timeouts, tries, thresholds and processes can, for the rest of it.",
	  .options = "*",
	  .flags = resume_flags,
	  .words_max = 1,
	  .examples = "prs resume\n"
	              "prs resume score-20250131 --set run_invocation_timeout=300 --processes 2\n"
	              "prs resume last --retry-failed --new-code\n",
	  .exits = running_exits },
	{ .name = "cancel",
	  .words = "RUN",
	  .run = cmd_cancel,
	  .group = "Run",
	  .arguments = "[RUN]",
	  .what = "stop a running job for good",
	  .more = RUN_WORD " The workers are stopped at once, nothing is published, and the run cannot be resumed "
	                   "(Ctrl-C, or kill, stops it resumable).",
	  .options = "runs-dir",
	  .words_max = 1,
	  .examples = "prs cancel\nprs cancel score-2025\n",
	  .exits = "0  canceled\n1  it ended by itself before\n2  wrong usage, no such run, or it is not running\n3  "
	           "files of the run are damaged\n" },
	{ .name = "test",
	  .words = "FILE",
	  .first = FIRST,
	  .run = cmd_test,
	  .group = "Debug",
	  .arguments = "SCRIPT --input PATH [--limit N] [--pdb] [options] [-- ARGUMENTS]",
	  .what = "a few mini-batches in this terminal, in one process",
	  .more = "The script runs where it lies, in the foreground: prints are seen, input() and breakpoint() work. "
	          "The rows go to stdout; nothing is kept, no run folder is "
	          "made. What the script writes goes to a temporary folder.",
	  .options = "*",
	  .flags = test_flags,
	  .words_min = 1,
	  .words_max = 1,
	  .rest = true,
	  .examples = "prs test score.py --input ./images\nprs test score.py -i ./images -b 1 --limit 10 --pdb -- "
	              "--threshold 0.5\nprs test score.py -i ./sales --input-format tabular --mini-batch-rows 10\n",
	  .exits = "0  all went well\n1  the script failed\n2  wrong usage, or a mistake in the job\n" },
	{ .name = "replay",
	  .words = "RUN -",
	  .run = cmd_replay,
	  .group = "Debug",
	  .arguments = "RUN ID [--item N] [--pdb] [--code DIR]",
	  .what = "one mini-batch of a run again, in this terminal",
	  .more = "RUN is an id, the beginning of one, the path of a run folder, or last. The same files, the same "
	          "copy of the script, the same arguments and environment; rows go to "
	          "stdout, nothing of the run changes. ID is the mini-batch's number: the console, failed_items.jsonl "
	          "and user/error.txt name it.",
	  .options = "runs-dir",
	  .flags = replay_flags,
	  .words_min = 2,
	  .words_max = 2,
	  .examples = "prs replay last 17\nprs replay score-2025 17 --item 3 --pdb\nprs replay last 17 --code .\n",
	  .exits = "0  all went well\n1  the script failed\n2  wrong usage, or no such run or mini-batch\n" },
	{ .name = "list",
	  .run = cmd_list,
	  .group = "Look",
	  .arguments = "[--json]",
	  .what = "all runs with state, items, time, input and age",
	  .options = "runs-dir json",
	  .examples = "prs list\nprs list --runs-dir /data/runs --json\n",
	  .exits = LOOKING_EXITS },
	{ .name = "status",
	  .words = "RUN",
	  .run = cmd_status,
	  .group = "Look",
	  .arguments = "[RUN] [--watch] [--json]",
	  .what = "state and counts of a run",
	  .more = RUN_WORD " Works while the run is running, and when its engine is dead.",
	  .options = "runs-dir json",
	  .flags = status_flags,
	  .words_max = 1,
	  .examples = "prs status\nprs status --watch\nprs status score-2025 --json\n",
	  .exits = LOOKING_EXITS },
	{ .name = "why",
	  .words = "RUN",
	  .run = cmd_why,
	  .group = "Look",
	  .arguments = "[RUN] [--json]",
	  .what = "what a running job waits for, process by process",
	  .more = RUN_WORD,
	  .options = "runs-dir json",
	  .words_max = 1,
	  .examples = "prs why\nprs why score-2025 --json\n",
	  .exits = "0  done\n2  wrong usage, no such run, or it is not running\n3  files of the run are damaged, or of "
	           "a newer version\n" },
	{ .name = "logs",
	  .words = "RUN",
	  .run = cmd_logs,
	  .group = "Look",
	  .arguments = "[RUN] [-f] [--process N] [--errors] [--metrics]",
	  .what = "the overview of a run, what a process printed, its errors, its metrics",
	  .more = RUN_WORD " Without a flag: how the run got on. The files are in the run folder's logs/.",
	  .options = "runs-dir json",
	  .flags = logs_flags,
	  .words_max = 1,
	  .examples = "prs logs -f\nprs logs --process 3\nprs logs score-2025 --errors\nprs logs --metrics --json\n",
	  .exits = LOOKING_EXITS },
	{ .name = "output",
	  .words = "RUN",
	  .run = cmd_output,
	  .group = "Look",
	  .arguments = "[RUN] [--partial] [--format FORMAT] [--output FILE]",
	  .what = "where the output is, or a file of the rows so far",
	  .more = RUN_WORD " --partial works at any time: while the job runs, when it was interrupted, when it failed; "
	                   "the run is not changed.\n"
	                   "--format writes all rows once more, when no mini-batch is left to be done (else add "
	                   "--partial): where columns of Parquet do not go together, as lines of JSON.",
	  .options = "output output-types overwrite runs-dir",
	  .flags = output_flags,
	  .words_max = 1,
	  .examples = "head \"$(prs output)\"\nprs output --partial\nprs output last --partial --output so-far.txt\n"
	              "prs output last --format jsonl --output rows.jsonl\n",
	  .exits = LOOKING_EXITS },
	{ .name = "check",
	  .words = "RUN",
	  .run = cmd_check,
	  .group = "Look",
	  .arguments = "[RUN]",
	  .what = "compare the journal with the rows that are stored",
	  .more = RUN_WORD " Reads every row of the run and its checksum; changes nothing.",
	  .options = "runs-dir json",
	  .words_max = 1,
	  .examples = "prs check\nprs check ./runs/score-20250131-120000-abc\n",
	  .exits = "0  no problem\n1  there are problems, a line each\n2  wrong usage, or no such run\n3  the journal "
	           "or the plan cannot be read\n" },
	{ .name = "dump",
	  .words = "journal|plan|segment RUN",
	  .run = cmd_dump,
	  .group = "Look",
	  .arguments = "journal|plan|segment [RUN] [--json]",
	  .what = "every record of a run's files, a line each",
	  .more = RUN_WORD,
	  .options = "runs-dir json",
	  .words_min = 1,
	  .words_max = 2,
	  .examples = "prs dump journal\nprs dump plan last --json\n",
	  .exits = LOOKING_EXITS },
	{ .name = "clean",
	  .words = "RUN",
	  .run = cmd_clean,
	  .group = "Repair",
	  .arguments = "[RUN ...] [--older 7d] [--dry-run]",
	  .what = "remove runs that have ended",
	  .more = "Removes the folders of runs that are completed, failed or canceled and older than 7 days, or those "
	          "named. What is running stays; what "
	          "can be resumed stays unless --interrupted, and what holds outputs unless --outputs is given. Links "
	          "and, unless named, runs of other users stay. A clean that was stopped is finished by the next one.",
	  .options = "runs-dir",
	  .flags = clean_flags,
	  .words_max = 1024,
	  .examples = "prs clean --dry-run\nprs clean --older 12h\nprs clean score-20250131-120000-abc --outputs\n",
	  .exits = "0  done\n1  something could not be removed\n2  wrong usage, or no such run\n" },
	{ .name = "doctor",
	  .run = cmd_doctor,
	  .group = "Repair",
	  .arguments = "[--dir DIR] [--json]",
	  .what = "what is wrong with this machine or folder, and how to mend it",
	  .more = "Does once what the engine does: kernel functions, /proc, limits, Python; in the folder it creates, "
	          "locks, syncs, renames and maps files, and removes "
	          "them again.",
	  .options = "runs-dir json",
	  .flags = doctor_flags,
	  .examples = "prs doctor\nprs doctor --dir /mnt/shared/runs\n",
	  .exits = "0  nothing is wrong; there may be warnings\n1  something is wrong\n2  wrong usage\n" },
	{ .name = "workspace",
	  .words = "show|list|create|secret -",
	  .run = cmd_workspace,
	  .group = "Workspace",
	  .arguments = "show|list|create NAME|secret list|secret set NAME|secret delete NAME",
	  .what = "where names of the original are kept, and its secrets",
	  .more = "The workspace is the folder .prs/NAME beside the nearest prs.yml or config.json. What is registered "
	          "first makes it. The value of a secret comes from stdin and is never shown; PRS_SECRET_<NAME> is "
	          "stronger.",
	  .options = "json",
	  .flags = workspace_flags,
	  .words_min = 1,
	  .words_max = 3,
	  .examples = "prs workspace show\nprs workspace secret set api-key <key.txt\n",
	  .exits = REGISTRY_EXITS },
	{ .name = "datastore",
	  .words = "list|show|register|default|remove|resolve -",
	  .run = cmd_datastore,
	  .group = "Workspace",
	  .arguments = "list|show NAME|register NAME --folder DIR|default NAME|remove NAME|resolve URI",
	  .what = "folders that stand for datastores",
	  .more = "azureml://datastores/NAME/paths/... is a path in the folder of NAME. workspaceblobstore and "
	          "workspacefilestore need no folder: they lie in the workspace. remove leaves the data where it is.",
	  .options = "json",
	  .flags = datastore_flags,
	  .words_min = 1,
	  .words_max = 2,
	  .examples = "prs datastore register images --folder /data/images\n"
	              "prs datastore resolve azureml://datastores/images/paths/2024\n",
	  .exits = REGISTRY_EXITS },
	{ .name = "dataset",
	  .words = ASSET_VERBS " -",
	  .run = cmd_dataset,
	  .group = "Workspace",
	  .arguments = ASSET_ARGUMENTS,
	  .what = "data by name and version: azureml:NAME:VERSION",
	  .more = "A name that is there asks for --new-version, unless its definition is the same.",
	  .options = "json",
	  .flags = dataset_flags,
	  .words_min = 1,
	  .words_max = 2,
	  .examples = "prs dataset register mnist --path ./data/mnist --tag season=autumn\n"
	              "prs run job.yml --input images=azureml:mnist:1\n"
	              "prs dataset list\n",
	  .exits = REGISTRY_EXITS },
	{ .name = "model",
	  .words = ASSET_VERBS " -",
	  .run = cmd_model,
	  .group = "Workspace",
	  .arguments = ASSET_ARGUMENTS,
	  .what = "models by name and version; their files are copied",
	  .options = "json",
	  .flags = model_flags,
	  .words_min = 1,
	  .words_max = 2,
	  .examples = "prs model register digits --path ./model.pkl --tag quality=good\n"
	              "prs model list --tag quality=good\n",
	  .exits = REGISTRY_EXITS },
	{ .name = "environment",
	  .words = ASSET_VERBS " -",
	  .run = cmd_environment,
	  .group = "Workspace",
	  .arguments = ASSET_ARGUMENTS,
	  .what = "environments by name and version",
	  .options = "json",
	  .flags = environment_flags,
	  .words_min = 1,
	  .words_max = 2,
	  .examples = "prs environment register sklearn --python /opt/sk/bin/python\n"
	              "prs environment register torch --file conda.yml\n",
	  .exits = REGISTRY_EXITS },
	{ .name = "component",
	  .words = ASSET_VERBS " -",
	  .run = cmd_component,
	  .group = "Workspace",
	  .arguments = ASSET_ARGUMENTS,
	  .what = "components by name and version",
	  .options = "json",
	  .flags = component_flags,
	  .words_min = 1,
	  .words_max = 2,
	  .examples = "prs component register score --file ./score.yml\n",
	  .exits = REGISTRY_EXITS },
	{ .name = "options",
	  .words = "OPTION",
	  .run = cmd_options,
	  .group = "Learn",
	  .arguments = "[NAME]",
	  .what = "every option: meaning, range, default, spellings",
	  .options = "json",
	  .flags = options_flags,
	  .words_max = 1,
	  .dashes = true,
	  .examples = "prs options\nprs options run_max_try\n",
	  .exits = "0  done\n2  wrong usage, or no such option\n" },
	{ .name = "errors",
	  .words = "ERROR",
	  .run = cmd_errors,
	  .group = "Learn",
	  .arguments = "[NAME|CODE]",
	  .what = "every error code: meaning, whose fault, what the engine does",
	  .flags = errors_flags,
	  .words_max = 1,
	  .examples = "prs errors\nprs errors RUN_TIMEOUT\n",
	  .exits = "0  done\n2  wrong usage, or no such error\n" },
	{ .name = "help",
	  .words = "COMMAND",
	  .run = cmd_help,
	  .group = "Learn",
	  .arguments = "[COMMAND]",
	  .what = "what a command does, with examples",
	  .words_max = 1,
	  .examples = "prs help run\nprs run --help\n",
	  .exits = "0  done\n2  no such command\n" },
	{ .name = "completion",
	  .words = "bash|zsh",
	  .run = cmd_completion,
	  .group = "Learn",
	  .arguments = "bash|zsh",
	  .what = "a script that makes the shell complete prs",
	  .words_min = 1,
	  .words_max = 1,
	  .examples = "prs completion bash >/etc/bash_completion.d/prs\neval \"$(prs completion zsh)\"\n",
	  .exits = "0  done\n2  wrong usage\n" },
	{ .name = "_man",
	  .run = cmd_man,
	  .arguments = "",
	  .what = "the man page",
	  .examples = "prs _man | man -l -\n",
	  .exits = "0  done\n" },
	{ .name = "_step",
	  .run = cmd_step,
	  .arguments = "PARENT PIPELINE STEP MODE",
	  .what = "the process of a parallel step of a pipeline",
	  .words_min = 4,
	  .words_max = 4,
	  .examples = "prs _step 4711 /home/ann/runs/flights-1 score ,\n",
	  .exits = running_exits },
	{ .name = "version",
	  .run = cmd_version,
	  .group = "Learn",
	  .arguments = "[--json]",
	  .what = "the version of this program",
	  .options = "json",
	  .examples = "prs version\n",
	  .exits = "0  done\n" },
};

enum { COMMANDS = sizeof commands / sizeof *commands };

const struct cli_command *cli_command_at(unsigned i) { return i < COMMANDS ? &commands[i] : NULL; }

const struct cli_command *cli_command_find(const char *name)
{
	for (unsigned i = 0; i < COMMANDS; i++)
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	return NULL;
}

/* What people type who come from other tools. */
static const char *const habits[][2] = {
	{ "ls", "list" },
	{ "ps", "list" },
	{ "runs", "list" },
	{ "jobs", "list" },
	{ "history", "list" },
	{ "show", "status" },
	{ "submit", "run" },
	{ "start", "run" },
	{ "continue", "resume" },
	{ "restart", "resume" },
	{ "verify", "check" },
	{ "fsck", "check" },
	{ "info", "status" },
	{ "explain", "errors" },
	{ "stop", "cancel" },
	{ "kill", "cancel" },
	{ "abort", "cancel" },
	{ "watch", "status --watch" },
	{ "follow", "status --watch" },
	{ "attach", "status --watch" },
	{ "wait", "status --watch" },
	{ "top", "why" },
	{ "rm", "clean" },
	{ "delete", "clean" },
	{ "remove", "clean" },
	{ "purge", "clean" },
	{ "retry", "resume --retry-failed" },
	{ "rerun", "resume --retry-failed" },
	{ "report", "status" },
	{ "summary", "status" },
	{ "result", "output" },
	{ "results", "output" },
	{ "progress", "status --watch" },
	{ "dry-run", "plan" },
	{ "debug", "replay" },
	{ "log", "logs" },
	{ "tail", "logs -f" },
};

const char *cli_command_nearest(const char *name)
{
	const char *best = NULL;
	unsigned least = 3;
	for (size_t i = 0; i < sizeof habits / sizeof *habits; i++)
		if (!strcmp(name, habits[i][0]))
			return habits[i][1];
	for (unsigned i = 0; i < COMMANDS; i++) {
		unsigned far = prs_distance(name, commands[i].name);
		if (!commands[i].group)
			continue;
		bool begins = strlen(name) > 1 && !strncmp(name, commands[i].name, strlen(name));
		if (begins)
			return commands[i].name;
		if (far < least && far < strlen(commands[i].name)) {
			least = far;
			best = commands[i].name;
		}
	}
	return best;
}
