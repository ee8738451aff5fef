/** Values of one label that are told apart; the rest is counted as `other`. */
export const labelValuesMax = 200;

/** Bounds the values of a label, so that no caller can fill the memory with time series. */
export type LabelValues = (value: string) => string;

/** Makes the bound of one label. */
export function labelValues(valuesMax: number = labelValuesMax): LabelValues {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= valuesMax) return "other";
    known.add(value);
    return value;
  };
}
