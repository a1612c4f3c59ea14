# SPDX-License-Identifier: Apache-2.0
"""A pipeline document (docs/job-json.md) as the YAML of a v2 pipeline (docs/pipelines.md) that runs the same. What has
no key there stands under prs:."""
from prs_azureml import _yaml


def text(document):
    """The whole file."""
    settings = {k: True for k in ("continue_on_step_failure", "force_rerun") if document.get(k)}
    whole = {"type": "pipeline", "display_name": document["name"]}
    if settings:
        whole["settings"] = settings
    whole["jobs"] = {s["name"]: _KINDS[s["type"]](s) for s in document["steps"]}
    return _yaml.dump(whole)


def _some(**members):
    """Those that hold something."""
    return {k: v for k, v in members.items() if v not in (None, {}, [], "")}


def _input(member):
    if "step" in member:
        return {"type": "uri_folder", "path": "${{parent.jobs.%s.outputs.%s}}" % (member["step"], member["output"])}
    if "mltable" in member:
        return {"type": "mltable", "path": member["mltable"]}
    return _some(type=member["type"], path=member.get("path"), paths=member.get("parts"),
                 partition_format=member.get("partition_format"))


def _command_input(member):
    """A reference has the type of what it refers to."""
    return _input(member)["path"] if "step" in member else _input(member)


def _outputs(members):
    return {o["name"]: _some(type=o["type"], path=o["path"]) for o in members or ()}


def _variables(members):
    return {v["name"]: v["value"] for v in members or ()}


def _command(step):
    job = _some(type="command", code=step.get("code_dir"), command=step["command"],
                inputs={i["name"]: _command_input(i) for i in step["inputs"]}, outputs=_outputs(step["outputs"]),
                environment_variables=_variables(step["environment"]), prs=_some(python=step["python"], after=step["after"]))
    if not step["allow_reuse"]:
        job["is_deterministic"] = False
    return job


def _parallel(step):
    job = step["job"]
    options = {name.replace("-", "_"): given["value"] for name, given in job["options"].items()}
    rows = options.pop("output_action") == "append_row"
    outputs, to = _outputs(job.get("outputs")), job.get("append_row_to")
    if rows and not to:  # a job without it would be summary_only
        outputs["rows"], to = {"type": "uri_folder"}, "rows"
    folder, script = job.get("code_dir"), job["entry"]
    if not folder:
        folder, _, script = script.rpartition("/")
    task = _some(type="run_function", code=folder, entry_script=script, program_arguments=_words(job["arguments"]),
                 append_row_to="${{outputs.%s}}" % to if rows else None)
    prs = _some(python=job["python"], after=step["after"], append_row_file_name=job.get("append_row_file_name"),
                model=["%s=%s" % (m["name"], m["value"]) for m in job["models"]])
    prs.update(options)
    made = _some(type="parallel", inputs={i["name"]: _input(i) for i in job["inputs"]}, outputs=outputs,
                 input_data=["${{inputs.%s}}" % i["name"] for i in job["inputs"]], task=task,
                 environment_variables=_variables(job["environment"]), prs=prs)
    if not step["allow_reuse"]:
        made["is_deterministic"] = False
    return made


def _words(arguments):
    """As a shell would split them: a reference bare, all else in quotes, which no flag of the original is looked for in."""
    return " ".join(w if w.startswith("${{") and not w.startswith("${{prs.dollar") else "'%s'" % w.replace("'", "'\"'\"'")
                    for w in arguments)


_KINDS = {"command": _command, "parallel": _parallel}
