import { beforeEach, type RunnerTask } from "vitest";

// One failed case is enough: the rest of a mutant that was caught is skipped.

const caught = new Set<string>();

beforeEach((context) => {
  const mutant = outermost(context.task);
  if (caught.has(mutant)) context.skip();
  context.onTestFailed(() => {
    caught.add(mutant);
  });
});

function outermost(task: RunnerTask): string {
  return task.suite === undefined ? task.name : outermost(task.suite);
}
