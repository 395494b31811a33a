// workflow.mjs FILE... - GitHub's own parser of workflows over files: prints the names of
// their jobs, or what is wrong; the exit status is then 1.
import { readFileSync } from "node:fs";
import { NoOperationTraceWriter, convertWorkflowTemplate, parseWorkflow }
	from "@actions/workflow-parser";

async function check(name)
{
	const content = readFileSync(name, "utf8");
	const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter());
	const errors = context.errors.getErrors().map((error) => error.message);
	const template = errors.length || !value ? { jobs: [] } :
		await convertWorkflowTemplate(context, value);

	errors.push(...(template.errors ?? []).map((error) => error.Message));
	if (errors.length) {
		console.log(errors.join("\n"));
		process.exitCode = 1;
	} else {
		console.log(template.jobs.map((job) => String(job.id)).join(" "));
	}
}

for (const name of process.argv.slice(2))
	check(name);
