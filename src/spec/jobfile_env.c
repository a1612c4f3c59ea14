/* SPDX-License-Identifier: Apache-2.0
 * jobfile_env: what a job file says about its environment: a name (looked up in prs.yml), or packages for a virtual
 * environment. Images and what only conda has are named as not used.
 */
#include "spec/jobfile_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FILES_DEEP = 8 }; /* requirements that name requirements */

/* Packages that pip knows by another name, or by the same; what is in neither column is conda's alone. */
static const char *const conda_names[][2] = {
	{ "pytorch", "torch" },
	{ "pytorch-cpu", "torch" },
	{ "pytorch-gpu", "torch" },
	{ "opencv", "opencv-python-headless" },
	{ "py-opencv", "opencv-python-headless" },
	{ "tensorflow-gpu", "tensorflow" },
	{ "tensorflow-cpu", "tensorflow" },
	{ "tensorflow-base", "tensorflow" },
	{ "py-xgboost", "xgboost" },
	{ "matplotlib-base", "matplotlib" },
	{ "msgpack-python", "msgpack" },
	{ "pytables", "tables" },
	{ "faiss-cpu", "faiss-cpu" },
	{ "python-dateutil", "python-dateutil" },
};
static const char *const same_names[] = {
	"numpy",
	"pandas",
	"scipy",
	"scikit-learn",
	"scikit-image",
	"pillow",
	"matplotlib",
	"seaborn",
	"pyyaml",
	"requests",
	"tqdm",
	"joblib",
	"pyarrow",
	"lightgbm",
	"xgboost",
	"catboost",
	"nltk",
	"spacy",
	"gensim",
	"statsmodels",
	"networkx",
	"sympy",
	"h5py",
	"openpyxl",
	"xlrd",
	"lxml",
	"beautifulsoup4",
	"numba",
	"cython",
	"torchvision",
	"torchaudio",
	"tensorflow",
	"keras",
	"transformers",
	"datasets",
	"tokenizers",
	"onnx",
	"onnxruntime",
	"mlflow",
	"psutil",
	"cloudpickle",
	"protobuf",
	"dask",
	"polars",
	"fastparquet",
	"s3fs",
	"fsspec",
	"jinja2",
	"click",
	"rich",
	"regex",
	"imageio",
	"librosa",
	"soundfile",
	"pydantic",
	"attrs",
	"setuptools",
	"wheel",
	"sqlalchemy",
	"boto3",
	"azure-storage-blob",
	"azure-identity",
	"pyodbc",
	"shapely",
	"geopandas",
	"rasterio",
	"pyproj",
	"fiona",
	"pytz",
	"six",
	"packaging",
	"typing-extensions",
	"zstandard",
	"lz4",
	"orjson",
	"ujson",
	"msgpack",
	"cffi",
	"cryptography",
	"numexpr",
	"bottleneck",
	"patsy",
	"shap",
	"optuna",
	"hyperopt",
	"prophet",
	"holidays",
	"albumentations",
	"timm",
	"einops",
	"accelerate",
	"sentencepiece",
	"jsonlines",
	"httpx",
	"aiohttp",
};
/* What a worker does not need: the loader has the names that scripts import from them. */
static const char *const replaced[] = { "azureml-core",           "azureml-dataset-runtime",
	                                "azureml-defaults",       "azureml-telemetry",
	                                "azureml-dataprep",       "azureml-sdk",
	                                "azureml-pipeline",       "azureml-pipeline-core",
	                                "azureml-pipeline-steps", "azureml-contrib-pipeline-steps",
	                                "azureml-train-core",     "azureml-train" };

static void add(struct jobfile *m, struct prs_list *to, const char *text)
{
	if (prs_list_add(to, text) < 0)
		m->d->failed = true;
}

/* The name of a requirement: letters, digits, - _ . */
static size_t name_bytes(const char *s)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
}

/* pip takes Foo_Bar for foo-bar. */
static bool is_name(const char *s, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		char c = s[i] == '_' ? '-' : s[i];
		if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != name[i])
			return false;
	}
	return !name[n];
}

/* A line for pip; `dir` is where its relative paths start. */
static void add_pip(struct jobfile *m, const struct prs_yaml *node, const char *text, const char *dir)
{
	size_t n = name_bytes(text);
	for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++) {
		if (!is_name(text, n, replaced[i]))
			continue;
		prs_yaml_find(m->d, PRS_IGNORED, node->at,
		              "%s: not installed: prs gives scripts the names they import from it", replaced[i]);
		return;
	}
	PRS_AUTOFREE char *path = text[0] == '.' ? prs_path_absolute(dir, text) : NULL;
	add(m, &m->j->env_pip, path ? path : text);
}

static void pip_line(struct jobfile *m, const struct prs_yaml *node, const char *text, const char *dir, int depth);

/* "-r requirements.txt": its lines. */
static void add_file(struct jobfile *m, const struct prs_yaml *node, const char *name, const char *dir, int depth)
{
	if (depth > FILES_DEEP) {
		prs_yaml_find(m->d, PRS_MISTAKE, node->at,
		              "requirements: %s: more than %d files, each named by another", name, FILES_DEEP);
		return;
	}
	const char *path = jf_path(m, name, dir, node->at, "requirements");
	PRS_AUTOFREE char *folder = path ? prs_path_folder(path) : NULL;
	PRS_AUTOBUF bytes;
	prs_buf_init(&bytes, PRS_YAML_BYTES_MAX + (256 << 10));
	int r = path ? jf_read_bytes(m->fs, path, &bytes) : 0;
	if (r < 0)
		prs_yaml_find(m->d, PRS_MISTAKE, node->at, "requirements: %s: %s", path, prs_errno_text(-r));
	char *save = NULL;
	for (char *line = r < 0 || !path ? NULL : strtok_r((char *)(uintptr_t)prs_buf_str(&bytes), "\r\n", &save); line;
	     line = strtok_r(NULL, "\r\n", &save)) {
		line += strspn(line, " \t");
		char *comment = line[0] == '#' ? line : strstr(line, " #");
		if (comment)
			*comment = 0;
		for (size_t n = strlen(line); n && (line[n - 1] == ' ' || line[n - 1] == '\t'); n--)
			line[n - 1] = 0;
		if (line[0] && folder)
			pip_line(m, node, line, folder, depth);
	}
}

/* What stands behind one of these options ("-r X", "-rX", "--requirement X", "--requirement=X"); NULL = another one. */
static const char *behind_option(const char *text, const char *brief, const char *option)
{
	size_t n = strlen(option);
	if (!strncmp(text, option, n) && (text[n] == ' ' || text[n] == '='))
		return text + n + 1 + strspn(text + n + 1, " ");
	n = strlen(brief);
	return !strncmp(text, brief, n) ? text + n + strspn(text + n, " ") : NULL;
}

/* A line for pip with an option that names a file: relative ones are made absolute, URLs are pip's to fetch. */
static void pip_line(struct jobfile *m, const struct prs_yaml *node, const char *text, const char *dir, int depth)
{
	static const char *const options[][2] = { { "-r", "--requirement" },
		                                  { "-c", "--constraint" },
		                                  { "-e", "--editable" } };
	text += strspn(text, " ");
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		const char *name = behind_option(text, options[i][0], options[i][1]);
		if (!name)
			continue;
		if (!strcmp(options[i][0], "-r") && !strstr(name, "://")) {
			add_file(m, node, name, dir, depth + 1);
			return;
		}
		PRS_AUTOFREE char *path = strstr(name, "://") ? prs_strdup(name) : prs_path_absolute(dir, name);
		PRS_AUTOFREE char *line = path ? prs_strf("%s %s", options[i][0], path) : NULL;
		if (line)
			add(m, &m->j->env_pip, line);
		m->d->failed = m->d->failed || !line;
		return;
	}
	add_pip(m, node, text, dir);
}

/* "name", "name=1.2", "name=1.2=build", "name>=1,<2", "channel::name" as a line for pip: false = conda's alone. */
static bool conda_entry(struct jobfile *m, const struct prs_yaml *node)
{
	char line[256];
	const char *text = strstr(node->text, "::") ? strstr(node->text, "::") + 2 : node->text, *pip = NULL;
	size_t n = name_bytes(text);
	for (size_t i = 0; i < sizeof conda_names / sizeof *conda_names && !pip; i++)
		pip = is_name(text, n, conda_names[i][0]) ? conda_names[i][1] : NULL;
	for (size_t i = 0; i < sizeof same_names / sizeof *same_names && !pip; i++)
		pip = is_name(text, n, same_names[i]) ? same_names[i] : NULL;
	if (!pip)
		return false;
	const char *version = text + n + strspn(text + n, " ");
	if (version[0] == '=' && version[1] != '=') {
		size_t k = strcspn(version + 1, "= ");
		bool star = k && version[k] == '*';
		snprintf(line, sizeof line, "%s==%.*s%s", pip, (int)k, version + 1, star ? "" : ".*");
	} else {
		snprintf(line, sizeof line, "%s%s", pip, version);
	}
	add_pip(m, node, line, prs_yaml_dir(m->d, node));
	return true;
}

static void dependency(struct jobfile *m, const struct prs_yaml *node)
{
	const struct prs_yaml *pip = node->kind == PRS_YAML_MAP ? jf_value(node, "pip") : NULL;
	size_t n = node->kind == PRS_YAML_SCALAR ? name_bytes(node->text) : 0;
	if (pip && pip->kind == PRS_YAML_LIST) {
		for (size_t i = 0; i < pip->n; i++)
			if (pip->items[i]->kind == PRS_YAML_SCALAR)
				pip_line(m, pip->items[i], pip->items[i]->text, prs_yaml_dir(m->d, pip->items[i]), 0);
		return;
	}
	if (node->kind != PRS_YAML_SCALAR) {
		prs_yaml_find(m->d, PRS_MISTAKE, node->at, "dependencies: expected a package or pip: [...], found %s",
		              prs_yaml_kind_name(node));
		return;
	}
	if (is_name(node->text, n, "python")) {
		const char *version = node->text + n + strspn(node->text + n, " =<>~!");
		prs_freep(&m->j->env_python);
		m->j->env_python = prs_strf("%.*s", (int)strspn(version, "0123456789."), version);
		m->d->failed = m->d->failed || !m->j->env_python;
	} else if (!is_name(node->text, n, "pip") && !conda_entry(m, node)) {
		prs_yaml_find(m->d, PRS_IGNORED, node->at, "conda package %.80s: not installed: only conda has it",
		              node->text);
	}
}

static void conda_file(struct jobfile *m, const struct prs_yaml *root)
{
	const struct prs_yaml *list = jf_value(root, "dependencies");
	if (root && (!list || list->kind != PRS_YAML_LIST)) {
		prs_yaml_find(m->d, PRS_MISTAKE, root->at, "a conda file needs dependencies: a list of packages");
		return;
	}
	for (size_t i = 0; list && i < list->n; i++)
		dependency(m, list->items[i]);
}

static const struct prs_yaml *read_beside(struct jobfile *m, const struct prs_yaml *node, const char *what)
{
	const char *path = jf_path(m, node->text, prs_yaml_dir(m->d, node), node->at, what);
	return path ? jf_read_file(m, path, node->at, what) : NULL;
}

static void keep_name(struct jobfile *m, const struct prs_yaml *name, const struct prs_yaml *version)
{
	bool both = version && version->kind == PRS_YAML_SCALAR && !strchr(name->text, ':');
	const char *text = prs_is_reference(name->text) ? jf_without_scheme(name->text) : name->text;
	prs_freep(&m->j->env_name);
	m->j->env_name = both ? prs_strf("%s:%s", text, version->text) : prs_strdup(text);
	m->d->failed = m->d->failed || !m->j->env_name;
}

/* A name alone that prs.yml does not know: what to write there. */
static void say_unmapped(struct jobfile *m, struct prs_mark at)
{
	const char *name = m->j->env_name, *file = prs_project_file(m->project);
	PRS_AUTOFREE char *mapped = name ? prs_project_python(m->project, name) : NULL;
	if (name && !mapped && !m->j->o.python && !m->j->env_pip.n)
		prs_yaml_find(m->d, PRS_IGNORED, at,
		              "environment: not used: %.200s is not mapped in %s (environments: {\"%.200s\": "
		              "INTERPRETER})",
		              name, file ? file : "a file prs.yml beside the job file or above it", name);
}

static void environment_map(struct jobfile *m, const struct prs_yaml *map)
{
	const struct prs_yaml *name = jf_value(map, "name"), *conda = jf_value(map, "conda_file");
	jf_check_keys(m, map, JF_ENVIRONMENT, "environment");
	if (name && name->kind == PRS_YAML_SCALAR)
		keep_name(m, name, jf_value(map, "version"));
	if (conda && conda->kind == PRS_YAML_SCALAR)
		conda = read_beside(m, conda, "conda_file");
	conda_file(m, conda);
}

/* A file of the workspace: an environment, a conda file, or an entry that holds one. */
static const struct prs_yaml *registered(struct jobfile *m, const char *path, struct prs_mark at)
{
	const struct prs_yaml *root = jf_read_file(m, path, at, "environment");
	const struct prs_yaml *definition = jf_value(root, "definition");
	return definition ? jf_value(definition, "conda_file") : root;
}

void jf_environment(struct jobfile *m, const struct prs_yaml *node)
{
	if (!node || node->kind == PRS_YAML_LIST)
		return;
	if (node->kind == PRS_YAML_MAP) {
		environment_map(m, node);
		say_unmapped(m, node->at);
		return;
	}
	char *mapped = prs_project_python(m->project, node->text);
	bool file = !mapped &&
	            (!strncmp(node->text, "file:", 5) || (!prs_is_reference(node->text) && prs_is_jobfile(node->text)));
	PRS_AUTOFREE char *described = mapped || file ? NULL : prs_project_environment(m->project, node->text);
	prs_freep(&mapped);
	const struct prs_yaml *root = file ? read_beside(m, node, "environment") : NULL;
	if (described)
		root = registered(m, described, node->at);
	if (root && jf_value(root, "dependencies"))
		conda_file(m, root);
	else if (root)
		environment_map(m, root);
	if (!file)
		keep_name(m, node, NULL);
	say_unmapped(m, node->at);
}

/* environment_dir_path, and what Environment.save_to_directory() wrote there beside the packages. Looked at once. */
static void find_saved_environment(struct jobfile *m, const struct prs_yaml *config)
{
	const struct prs_yaml *dir = jf_value(config, "environment_dir_path");
	if (m->v1_environment_looked || !dir || dir->kind != PRS_YAML_SCALAR)
		return;
	m->v1_environment_looked = true;
	m->v1_environment_dir = jf_path(m, dir->text, prs_yaml_dir(m->d, dir), dir->at, "environment_dir_path");
	PRS_AUTOFREE char *path = m->v1_environment_dir ? prs_strf("%s/azureml_environment.json", m->v1_environment_dir)
	                                                : NULL;
	if (path && jf_kind_of(m, path) == 'f')
		m->v1_environment = jf_read_file(m, path, dir->at, "environment_dir_path");
}

const struct prs_yaml *jf_environment_v1_variables(struct jobfile *m, const struct prs_yaml *config)
{
	const struct prs_yaml *map = jf_value(config, "environment");
	const struct prs_yaml *in_place = map && map->kind == PRS_YAML_MAP ? jf_value(map, "environmentVariables")
	                                                                   : NULL;
	find_saved_environment(m, config);
	return in_place ? in_place : jf_value(m->v1_environment, "environmentVariables");
}

/* v1: a name; a folder with conda_dependencies.yml; or the environment itself. */
void jf_environment_v1(struct jobfile *m, const struct prs_yaml *config)
{
	const struct prs_yaml *name = jf_value(config, "environment_name"),
			      *dir = jf_value(config, "environment_dir_path"), *map = jf_value(config, "environment");
	const struct prs_yaml *conda = map ? jf_value(map, "python.condaDependencies") : NULL,
			      *file = map ? jf_value(map, "python.condaDependenciesFile") : NULL;
	static const char *const files[] = { "conda_dependencies.yml", "conda_dependencies.yaml", "conda.yml",
		                             "conda.yaml" };
	if (name && name->kind == PRS_YAML_SCALAR)
		keep_name(m, name, jf_value(config, "environment_version"));
	else if (map && map->kind == PRS_YAML_SCALAR)
		jf_environment(m, map);
	else if (map && jf_value(map, "name") && jf_value(map, "name")->kind == PRS_YAML_SCALAR)
		keep_name(m, jf_value(map, "name"), jf_value(map, "version"));
	if (conda && conda->kind == PRS_YAML_MAP)
		conda_file(m, conda);
	else if (file && file->kind == PRS_YAML_SCALAR)
		conda_file(m, read_beside(m, file, "condaDependenciesFile"));
	find_saved_environment(m, config);
	const char *path = m->v1_environment_dir;
	if (name || (map && map->kind == PRS_YAML_MAP))
		say_unmapped(m, (name ? name : map)->at);
	for (size_t i = 0; path && i < sizeof files / sizeof *files; i++) {
		PRS_AUTOFREE char *tried = prs_strf("%s/%s", path, files[i]);
		if (!tried || jf_kind_of(m, tried) != 'f')
			continue;
		conda_file(m, jf_read_file(m, tried, dir->at, "environment_dir_path"));
		return;
	}
	const struct prs_yaml *packages = jf_value(m->v1_environment, "python.condaDependencies");
	if (packages)
		conda_file(m, packages);
	else if (path)
		prs_yaml_find(m->d, PRS_MISTAKE, dir->at, "environment_dir_path: no conda_dependencies.yml in %s",
		              path);
}
