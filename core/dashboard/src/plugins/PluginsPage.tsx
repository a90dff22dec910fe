// The plugins of the hub: what each does, what it may use, and how a handler of it is configured. Only to be read.
import { IconPuzzle } from '@tabler/icons-react';

import { usePlugins } from '../api/notifications';
import type { Plugin } from '../api/model';
import { Marked } from '../ui/Marked';
import { Empty, Failure, Loading, PageHead, Panel } from '../ui/Panel';
import { Tag } from '../ui/Severity';
import classes from './PluginsPage.module.css';
import { properties } from './schema';

const EXPORTS: Record<string, string> = { deliver: 'delivers messages', advise: 'gives tips' };

export function PluginsPage() {
  const { data, error, refetch } = usePlugins();
  return (
    <>
      <PageHead title="Plugins"><span className={classes.count}>{data !== undefined && `${data.plugins.length} loaded`}</span></PageHead>
      {data === undefined && (error === null ? <Loading rows={5} height={72} /> : <Failure error={error} retry={() => void refetch()} />)}
      {data !== undefined && (
        <div className={classes.stack}>
          {data.refused.length > 0 && (
            <Panel title="Not loaded" count={data.refused.length} flush>
              <ul className={classes.refused}>
                {data.refused.map((plugin) => (
                  <li key={plugin.file}>
                    <strong>{plugin.name ?? plugin.file}</strong> <code>{plugin.code}</code>
                    <p>{plugin.reason}</p>
                    {plugin.name != null && <small>{plugin.file}</small>}
                  </li>
                ))}
              </ul>
            </Panel>
          )}
          {data.plugins.length === 0 && <Empty icon={<IconPuzzle size={21} stroke={1.7} />} title="No plugin is loaded">Nobody can be told of anything.</Empty>}
          <ul className={classes.plugins}>{data.plugins.map((plugin) => <li key={plugin.name}><PluginCard plugin={plugin} /></li>)}</ul>
          <p className={classes.note}>Plugins run in a sandbox, with no more rights than the operator grants. They are read from the plugin folder when the hub starts.</p>
        </div>
      )}
    </>
  );
}

function PluginCard({ plugin }: { plugin: Plugin }) {
  const keys = properties(plugin.config_schema);
  return (
    <section className={classes.card} aria-label={`Plugin ${plugin.name}`}>
      <div className={classes.head}>
        <h2>{plugin.name}</h2>
        <small>{plugin.version}</small>
        <Tag kind={plugin.builtin ? 'quiet' : 'running'}>{plugin.builtin ? 'built in' : 'added'}</Tag>
      </div>
      <p><Marked text={plugin.description} /></p>
      <dl className={classes.facts}>
        <div><dt>Does</dt><dd>{plugin.exports.map((each) => EXPORTS[each] ?? each).join(', ')}</dd></div>
        <div><dt>May use</dt><dd>{plugin.capabilities.length === 0 ? 'nothing' : plugin.capabilities.map((each) => <Tag key={each}>{each}</Tag>)}</dd></div>
      </dl>
      {keys.length > 0 && (
        <details className={classes.schema}>
          <summary>Configuration of a handler ({keys.length})</summary>
          <dl>
            {keys.map((key) => (
              <div key={key.name}>
                <dt><code>{key.name}</code> <small>{key.type}{key.required && ', required'}</small></dt>
                <dd>{key.description !== '' && <Marked text={key.description} />}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </section>
  );
}
