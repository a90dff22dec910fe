// Where the pages start.
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './shell/theme.css';

import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { createQueryClient } from './api/cache';
import { adoptSetUpToken, adoptTokenFromAddress, heedOtherTabs } from './api/login';
import { router } from './router';
import { theme } from './shell/theme';
import { ZoneProvider } from './shell/zone';

adoptTokenFromAddress();
adoptSetUpToken();
heedOtherTabs();
const client = createQueryClient();

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <ZoneProvider>
        <QueryClientProvider client={client}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </ZoneProvider>
    </MantineProvider>
  </StrictMode>,
);
