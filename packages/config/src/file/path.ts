/** Steps from the top of a config file to a value. */
export type ConfigPath = readonly (string | number)[];

/** Writes a path as it is read: `tiers[1].role`, `server["a b"]`. */
export function formatPath(path: ConfigPath): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (!/^[A-Za-z_][\w.-]{0,63}$/.test(step))
      text += `[${JSON.stringify(step.slice(0, 64))}]`;
    else text += text === "" ? step : `.${step}`;
  }
  return text;
}
