/** Runs in the page: whether the editor has saved this text among the states of its tabs. */
window.savedTabsHave = async text => {
  for (const { name } of await indexedDB.databases()) {
    if (!name.startsWith('vscode-web-state-db-')) continue;
    const database = await new Promise((resolve, reject) => {
      const opening = indexedDB.open(name);
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => reject(opening.error);
    });
    const value = await new Promise((resolve, reject) => {
      const asked = database.transaction('ItemTable').objectStore('ItemTable').get('memento/workbench.parts.editor');
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
    database.close();
    if (String(value).includes(text)) return true;
  }
  return false;
};
