/** Names and values, one a line; those without a value are left out. */
export function Facts({ values }: { values: readonly (readonly [string, string])[] }) {
  return (
    <dl className="lablambda-settings">
      {values
        .filter(([, value]) => value !== '')
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
