import type { ComponentChildren, JSX } from "preact";

interface Column {
  readonly label: string;
  /** `number` for what is compared digit by digit, `name` for what may break anywhere. */
  readonly class?: string;
}

interface DataTableProps {
  readonly columns: readonly Column[];
  readonly rows: readonly { readonly key: string; readonly cells: readonly ComponentChildren[] }[];
  readonly class?: string;
}

/**
 * A table whose first column names each row. On a phone each row stands as a list of labels and
 * values; the roles are written out, since a browser forgets them where the display changes.
 */
export function DataTable({ columns, rows, class: kind }: DataTableProps): JSX.Element {
  return (
    <table role="table" class={kind}>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <th key={column.label} role="columnheader" scope="col" class={column.class}>
              {column.label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map(({ key, cells: [name, ...values] }) => (
          <tr key={key} role="row">
            <th role="rowheader" scope="row" class="name">
              {name}
            </th>
            {values.map((value, at) => {
              const { label, class: kindOfCell } = columns[at + 1] ?? { label: "" };
              return (
                <td key={label} role="cell" class={kindOfCell} data-label={label}>
                  <div class="value">{value}</div>
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
