/* SPDX-License-Identifier: Apache-2.0
 * model_dir: what $AZUREML_MODEL_DIR holds.
 */
#ifndef PRS_RUN_MODEL_DIR_H
#define PRS_RUN_MODEL_DIR_H

/* The model at the absolute path `model`, under its own name, in `folder`, which is made: real folders, links for
 * files. What is there stays. 0 or -errno. */
int prs_model_dir(const char *folder, const char *model);

#endif
