// The pictures of inbox, incidents, notification and plugins, each taken when its page has what it shows.
export async function newsShots(page, url, take) {
  const open = async (path) => {
    await page.goto(new URL(path, url).href);
    // The hub answers at once; what is shown then is what is to be seen.
    await page.waitForTimeout(700);
  };
  /** Follows the first link or button that matches, and says whether there was one. */
  const follow = async (locator) => {
    if ((await locator.count()) === 0) return false;
    await locator.first().click();
    // Else a tooltip of what happens to be below would be on the picture.
    await page.mouse.move(1, 1);
    await page.waitForTimeout(900);
    return true;
  };

  await open('/inbox');
  await take('inbox');
  await open('/inbox?severity=error');
  if (await follow(page.getByRole('region', { name: 'Entries' }).getByRole('link'))) await take('inbox-entry');
  await open('/inbox?mutes=yes');
  await take('inbox-mutes');
  await open('/incidents?show=all');
  await take('incidents');
  if (await follow(page.getByRole('region', { name: 'Incidents' }).getByRole('link'))) await take('incident');
  const over = page.locator('section button:has-text("Close"), div > button:has-text("Close")').first();
  if ((await over.count()) > 0 && (await over.isEnabled()) && (await follow(over))) await take('incident-close');
  await open('/notifications');
  await take('groups');
  if (await follow(page.locator('section[aria-label^="Group "] h2 a'))) {
    await take('group');
    const edit = page.getByRole('button', { name: 'Edit the matrix' });
    if ((await edit.count()) > 0 && (await edit.isEnabled())) {
      await edit.click();
      await edit.waitFor({ state: 'detached' });
      await page.getByRole('button', { name: 'Discard' }).scrollIntoViewIfNeeded();
      await take('group-matrix');
      await page.getByRole('button', { name: 'Discard' }).click();
    }
    const test = page.getByRole('button', { name: 'Test every handler' });
    if ((await test.isEnabled()) && (await follow(test))) {
      await take('group-test');
      await page.keyboard.press('Escape');
      await page.waitForTimeout(300);
    }
    if (await follow(page.getByRole('button', { name: /^Preview what/ }))) await take('group-preview');
  }
  await open('/notifications/messages');
  await take('messages');
  await open('/notifications/messages?state=dead');
  if (await follow(page.getByRole('table', { name: 'Messages' }).getByRole('link'))) await take('message');
  await open('/notifications/silences?over=yes');
  await take('silences');
  if (await follow(page.getByRole('button', { name: 'Silence', exact: true }))) await take('silence-form');
  await open('/notifications/explain');
  await take('explain');
  await open('/notifications/explain?type=task.failed');
  await take('explain-answer');
  await open('/plugins');
  await take('plugins');
}
