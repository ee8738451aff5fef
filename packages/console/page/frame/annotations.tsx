import type { JSX } from "preact";

/** What an entry of a tag says of the blob, name by name. */
export function Annotations({
  annotations,
}: {
  readonly annotations: Readonly<Record<string, string>>;
}): JSX.Element {
  return (
    <dl class="annotations">
      {Object.entries(annotations).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
